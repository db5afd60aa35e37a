import base64
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest
from gateway.core.people.seal import Seal, handle

SECRET = b"s" * 32
ALICE = Seal(SECRET, "acme", "notes", "alice")


@given(st.text(max_size=50), st.text(max_size=200))
def test_what_was_sealed_comes_back_as_it_was(kind: str, value: str) -> None:
    assert ALICE.open(kind, ALICE.close(kind, value)) == value


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Seal(SECRET, "acme", "notes", "bob"), id="another person"),
        pytest.param(Seal(SECRET, "globex", "notes", "alice"), id="another org"),
        pytest.param(Seal(SECRET, "acme", "files", "alice"), id="another upstream"),
        pytest.param(Seal(SECRET, "acme", "notesalice", ""), id="the same letters, cut elsewhere"),
        pytest.param(Seal(b"t" * 32, "acme", "notes", "alice"), id="another secret"),
    ],
)
def test_nobody_else_can_open_it(other: Seal) -> None:
    assert other.open("state", ALICE.close("state", "s1")) is None


def test_one_kind_does_not_pass_for_another() -> None:
    assert ALICE.open("event b", ALICE.close("event a", "1")) is None


@given(st.text(max_size=80))
@example("\ud800" * 40)  # half of a surrogate pair, which JSON can spell
def test_what_was_never_sealed_is_nothing(value: str) -> None:
    assert ALICE.open("state", value) is None


def test_a_changed_value_is_nothing() -> None:
    sealed = ALICE.close("state", "step=1")
    assert ALICE.open("state", sealed[:-1] + "2") is None
    assert ALICE.open("state", sealed.replace(".", "!", 1)) is None


def test_a_handle_does_not_show_what_it_is_of() -> None:
    secret = "a9/8+7=~{session}"
    assert handle(secret) == handle(secret)
    assert secret not in handle(secret)
    assert handle(secret) != handle(secret.upper())


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a\n", "\x00", "é", "x" * 4097, 1, None, True, []]
)
def test_what_is_no_id_has_no_handle(value: object) -> None:
    with pytest.raises(BadRequest):
        handle(value)


def test_a_handle_is_what_was_promised() -> None:
    """`printf session-1 | openssl dgst -sha256 -binary | base32`: ledgers are full of them."""
    assert handle("session-1") == "h_qqexqkh4ggumruuscdpurea2qxph7uat62dlc67hpun6fhfxvgfq"


def test_a_name_has_4096_characters_at_most() -> None:
    assert handle("x" * 4096)
    with pytest.raises(BadRequest):
        handle("x" * 4097)


def test_what_was_sealed_by_an_older_version_comes_back() -> None:
    """By hand: HMAC-SHA-256 over the kind and the value, each with its length, in base 32."""
    owner = b"\0\0\0\4seal" + b"\0\0\0\4acme" + b"\0\0\0\5notes" + b"\0\0\0\5alice"
    key = hmac.digest(SECRET, owner, "sha256")
    mark = hmac.digest(key, b"\0\0\0\5state" + b"\0\0\0\2s1", "sha256")[:16]
    sealed = base64.b32encode(mark).decode().rstrip("=").lower() + ".s1"
    assert ALICE.close("state", "s1") == sealed
    assert ALICE.open("state", sealed) == "s1"
