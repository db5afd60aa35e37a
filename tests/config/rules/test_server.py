import pytest

from tests.config.conftest import Told
from tests.config.parts import STRONG, short

SCHEME = 'must begin with "sqlite:///", as in "sqlite:///gateway.db", or "postgresql://"'
ENCODE = "cannot be taken apart: percent-encode what is special in the password, "
ENCODE += "%2F for /, %3F for ?, %23 for #, %25 for %"
FILE = "must name a file: in memory, who owns what is lost with the process"


@pytest.mark.parametrize("url", ["sqlite:///gateway.db", "sqlite:////var/lib/gateway/gateway.db"])
def test_a_store_is_a_file(url: str, told: Told):
    assert told(f'store.url = "{url}"\n' + short()) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gateway.db", SCHEME),
        ("mysql://u:CANARY@db/x", SCHEME),
        ("sqlite://", SCHEME),
        ("sqlite+aiosqlite:///x", SCHEME),
        ("sqlite:///", FILE),
        ("sqlite:///:memory:", FILE),
        ("sqlite:///file:x", FILE),
        ("sqlite:///x.db?mode=memory", "must be a path and nothing more"),
        ("postgresql://d b/x", ENCODE),
    ],
)
def test_and_nothing_else(url: str, why: str, told: Told):
    assert told(f'store.url = "{url}"\n' + short()) == [f"1:7  error  store.url: {why}"]


URL = "postgresql://gateway:${env:PASSWORD}@db.example:5432/gateway?sslmode=verify-full"


def test_or_it_is_in_postgresql(told: Told):
    assert told(f'store.url = "{URL}"\n' + short(), PASSWORD="CANARY") == []
    assert told('store.url = "${env:URL}"\n' + short(), URL="postgres://u:CANARY@db/x") == []


def test_a_password_that_is_written_out_is_a_warning(told: Told):
    text = URL.replace("${env:PASSWORD}", "CANARY")
    (said,) = told(f'store.url = "{text}"\n' + short())
    assert said.startswith("1:7  warning  store.url: its password is written out here")


@pytest.mark.parametrize("secret", ["x", "secret", "a" * 40])
def test_an_identity_secret_that_can_be_guessed_never_starts(secret: str, told: Told):
    text = 'identity.secret = "${env:SECRET}"\n' + short()
    (said,) = told(text, SECRET=secret)
    assert said.startswith("1:10  error  identity.secret: ")
    assert told(text, SECRET=STRONG) == []


def test_an_empty_identity_secret_is_not_an_absent_one(told: Told):
    (said,) = told('identity.secret = "${env:SECRET:-}"\n' + short())
    assert said.startswith("1:10  error  identity.secret: has fewer than 32 bytes")
