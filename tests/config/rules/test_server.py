import pytest

from tests.config.conftest import Told
from tests.config.parts import STRONG, short

FILE = "must name a file: in memory, who owns what is lost with the process"


@pytest.mark.parametrize("url", ["sqlite:///gateway.db", "sqlite:////var/lib/gateway/gateway.db"])
def test_a_store_is_a_file(url: str, told: Told):
    assert told(f'store.url = "{url}"\n' + short()) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gateway.db", 'must begin with "sqlite:///", as in "sqlite:///gateway.db"'),
        ("mysql://u:CANARY@db/x", 'must begin with "sqlite:///", as in "sqlite:///gateway.db"'),
        ("sqlite://", 'must begin with "sqlite:///", as in "sqlite:///gateway.db"'),
        ("sqlite+aiosqlite:///x", 'must begin with "sqlite:///", as in "sqlite:///gateway.db"'),
        ("sqlite:///", FILE),
        ("sqlite:///:memory:", FILE),
        ("sqlite:///file:x", FILE),
        ("sqlite:///x.db?mode=memory", "must be a path and nothing more"),
    ],
)
def test_and_nothing_else(url: str, why: str, told: Told):
    assert told(f'store.url = "{url}"\n' + short()) == [f"1:7  error  store.url: {why}"]


@pytest.mark.parametrize("secret", ["x", "secret", "a" * 40])
def test_an_identity_secret_that_can_be_guessed_never_starts(secret: str, told: Told):
    text = 'identity.secret = "${env:SECRET}"\n' + short()
    (said,) = told(text, SECRET=secret)
    assert said.startswith("1:10  error  identity.secret: ")
    assert told(text, SECRET=STRONG) == []


def test_an_empty_identity_secret_is_not_an_absent_one(told: Told):
    (said,) = told('identity.secret = "${env:SECRET:-}"\n' + short())
    assert said.startswith("1:10  error  identity.secret: has fewer than 32 bytes")
