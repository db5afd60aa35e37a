"""A canary is found wherever it is said, and never by chance."""

import base64
import logging
import os
import sys
from collections.abc import Callable

import pytest
import structlog

from tests.support.canaries import Canaries, canaries

__all__ = ["canaries"]


def _raise_and_log(secret: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("a.library").exception("something")


WAYS: list[tuple[str, Callable[[str], object]]] = [
    ("message of a log record", lambda secret: logging.getLogger("x").debug("key %s", secret)),
    ("attribute of a record", lambda one: logging.getLogger("x").info("a", extra={"key": one})),
    ("traceback", _raise_and_log),
    ("structlog", lambda secret: structlog.get_logger().info("event", key=secret)),
    ("stdout", lambda secret: sys.stdout.write(secret)),
    ("descriptor 2", lambda secret: os.write(2, secret.encode())),
    ("base 64", lambda one: sys.stdout.write(base64.b64encode(b"bob:" + one.encode()).decode())),
]


@pytest.mark.parametrize("say", [pytest.param(say, id=name) for name, say in WAYS])
def test_finds_a_secret_wherever_it_is_said(canaries: Canaries, say: Callable[[str], object]):
    say(canaries.secret("key"))
    with pytest.raises(AssertionError, match="a secret was said"):
        canaries.assert_silent()


def test_is_content_when_nothing_was_said(canaries: Canaries):
    other = Canaries.__dict__["secret"]  # the same shape, another value
    secret = canaries.secret("key")
    logging.getLogger("x").info("CANARY-key-")
    assert other(canaries, "key") != secret
    canaries.assert_silent("an answer")


def test_looks_into_further_texts_and_does_not_show_the_secret(canaries: Canaries):
    secret = canaries.watch("e30.e30.signature")
    with pytest.raises(AssertionError) as caught:
        canaries.assert_silent(b'{"token":"' + secret.encode() + b'"}')
    assert secret not in str(caught.value)
