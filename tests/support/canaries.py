"""Secrets with a mark, and everything a process says: no mark may stand in it.

    def test_says_nothing_secret(canaries): ...
        key = canaries.secret("key")         # "CANARY-key-…", different each time
        ...                                  # logs, prints, errors
        canaries.assert_silent()             # what was said holds none of them, in no spelling

`caplog` and `capfd` see it all: the standard library's log at every level, and what any library
writes to the two streams, at the level of the descriptor.
"""

import base64
import json
import logging
import secrets
import traceback
from urllib.parse import quote

import pytest


class Canaries:
    """The secrets of one test, and what it said so far."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._caplog = caplog
        self._capfd = capfd
        self._secrets: list[str] = []
        self._printed = ""

    def secret(self, name: str) -> str:
        """A new secret, fit for a field, a URL and a file name."""
        return self.watch(f"CANARY-{name}-{secrets.token_hex(12)}")

    def watch(self, secret: str) -> str:
        """A secret from elsewhere: a token, say."""
        self._secrets.append(secret)
        return secret

    def said(self) -> str:
        """Everything logged and printed so far."""
        out, err = self._capfd.readouterr()
        self._printed += out + err
        return "\n".join([self._printed, *(_spelt_out(one) for one in self._caplog.records)])

    def assert_silent(self, *further: str | bytes) -> None:
        """No secret stands in what was said, nor in `further` texts: answers, files, errors."""
        texts = [one.decode("latin-1") if isinstance(one, bytes) else one for one in further]
        everything = "\n".join([self.said(), *texts])
        for secret in self._secrets:
            for spelling in _spellings(secret):
                # Not pytest's own comparison: it would print the secret, and where it stands.
                if spelling in everything:
                    at = everything.index(spelling)
                    before = everything[max(0, at - 200) : at]
                    raise AssertionError(f"a secret was said, after {before!r}")


def _spelt_out(record: logging.LogRecord) -> str:
    """Message, arguments, further attributes and traceback of one record."""
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return f"{record.getMessage()} {record.__dict__!r} {trace}"


def _spellings(secret: str) -> set[str]:
    """The secret as it is, quoted for JSON and URLs, and in base 64 at each of three offsets."""
    encoded = {
        # The first and last characters depend on what stands beside it.
        base64.b64encode(b"x" * offset + secret.encode()).decode().rstrip("=")[4:-2]
        for offset in range(3)
    }
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), *encoded}


@pytest.fixture
def canaries(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Canaries:
    caplog.set_level(logging.DEBUG)
    return Canaries(caplog, capfd)
