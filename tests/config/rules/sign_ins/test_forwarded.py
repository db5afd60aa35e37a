import pytest

from tests.config.conftest import Told
from tests.config.parts import STRONG, org
from tests.config.rules.sign_ins.test_introspect import config

FORWARDED = 'forwarded = "X-Forwarded-User"\nshared_secret = "${env:SECRET}"\n'


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("short", "has fewer than 16 bytes: `openssl rand -hex 32` makes one"),
        ("a" * 40, "repeats a few characters, so it can be guessed"),
        ("super-secret-jwt-token-with-at-least-32-characters-long", "is the example of a "),
        (STRONG + " ", "must be printable ASCII without spaces at its ends"),
        (STRONG + "é", "must be printable ASCII without spaces at its ends"),
    ],
)
def test_a_secret_that_can_be_guessed_or_not_sent_never_starts(
    secret: str, why: str, told: Told
) -> None:
    (said,) = told(config(FORWARDED), SECRET=secret)
    assert said.startswith(f"3:1  error  sign_in.shared_secret: {why}")
    assert secret not in said


def test_a_good_one_does(told: Told) -> None:
    assert told(config(FORWARDED), SECRET=STRONG) == []
    rotating = FORWARDED.replace('"${env:SECRET}"', '["${env:SECRET}", "${env:OLD:-}"]')
    assert told(config(rotating), SECRET=STRONG) == []


def test_a_field_says_one_thing(told: Told) -> None:
    (said,) = told(config(FORWARDED + 'roles_field = "x-forwarded-user"'), SECRET=STRONG)
    assert said == "4:1  error  sign_in.roles_field: another key reads this field already"


def test_one_proxy_of_two_orgs_says_whose_people_they_are(told: Told) -> None:
    text = "".join(org(name, more=f'path = "/{name}"', sign_in=FORWARDED) for name in ("a", "b"))
    said = told(text, SECRET=STRONG)
    assert len(said) == 2
    assert all("sign_in[0].org_field: is required" in one for one in said)
    assert STRONG not in str(said)
