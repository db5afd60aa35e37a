import hashlib
import time

import pytest
import time_machine
from itsdangerous import TimestampSigner

from gateway.console.session import COOKIE, LIFETIME, Sessions

TOKEN = "operators-token-of-32-characters"


def cookie(sessions: Sessions) -> str:
    pair = sessions.begin(secure=False).decode().partition(";")[0]
    name, _, value = pair.partition("=")
    assert name == COOKIE
    return value


def test_is_known_to_every_process_of_that_token_and_shows_nothing_of_it() -> None:
    value = cookie(Sessions(TOKEN))
    assert Sessions(TOKEN).is_one(value)
    assert TOKEN not in value


def test_ends_with_the_token() -> None:
    assert not Sessions("another-token-of-32-characters!!").is_one(cookie(Sessions(TOKEN)))


@pytest.mark.parametrize(("age", "known"), [(LIFETIME - 60, True), (LIFETIME + 60, False)])
def test_ends_after_twelve_hours(age: int, known: bool) -> None:
    sessions = Sessions(TOKEN)
    with time_machine.travel(time.time(), tick=False) as clock:
        value = cookie(sessions)
        clock.shift(age)
        assert sessions.is_one(value) is known


def test_any_other_character_is_another_cookie() -> None:
    sessions = Sessions(TOKEN)
    value = cookie(sessions)
    for place in range(len(value) - 1):  # the last character has bits that base64 leaves unused
        other = "A" if value[place] != "A" else "B"
        assert not sessions.is_one(value[:place] + other + value[place + 1 :])


@pytest.mark.parametrize("value", ["", ".", "operator", "operator.", "..", "é", "operator.x.y"])
def test_what_is_none_is_none(value: str) -> None:
    assert not Sessions(TOKEN).is_one(value)


def test_goes_over_tls_only_where_the_page_did() -> None:
    assert Sessions(TOKEN).begin(secure=True).endswith(b"; Secure")
    assert b"Secure" not in Sessions(TOKEN).begin(secure=False)
    assert b"Max-Age=0" in Sessions(TOKEN).end(secure=False)


def test_a_token_cannot_be_tried_against_a_cookie_at_the_speed_of_a_digest() -> None:
    """Other services of the host see the cookie."""
    of_the_token = TimestampSigner(
        TOKEN, salt="gateway.console", key_derivation="hmac", digest_method=hashlib.sha256
    )
    assert not Sessions(TOKEN).is_one(of_the_token.sign("operator").decode())
