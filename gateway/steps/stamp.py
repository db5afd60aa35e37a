"""What every answer carries, whoever made it: an `Outbound` that adds fields, and counts."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.core.limits import quota
from gateway.core.profile.vendor import ProblemShape
from gateway.ports import Fields, Outbound, Record, Writer

EVERY_ANSWER: Fields = (
    # Personal answers; and a proxy that compresses or rewrites would hold events back.
    (b"cache-control", b"no-store, no-transform"),
    # One line, since some caches look at no more; with `origin`, or a cache would hand one origin
    # what was granted to another.
    (b"vary", b"authorization, cookie, origin"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    # An answer opened as a page runs nothing: a vendor's text may hold markup.
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)


class Stamped:
    """An `Outbound` that writes `EVERY_ANSWER`, the request id, limits and `also` with each head.

    `problem` says how an error would look that ends the request now; `metadata` where a client that
    is told to sign in reads who signs people in. Both are asked only when there is an error.
    """

    __slots__ = ("_answer", "_record", "_writer", "also", "metadata", "problem", "started")

    def __init__(self, answer: Outbound, record: Record) -> None:
        self._answer = answer
        self._record = record
        self._writer: Writer | None = None
        self.started = False
        self.also: Fields = ()
        self.problem: Callable[[], ProblemShape | None] = _nothing
        self.metadata: Callable[[], str | None] = _nothing

    def add(self, fields: Fields) -> None:
        self.also = [*self.also, *fields]

    def marks(self) -> Fields:
        """What a head carries beside its own fields."""
        request_id = (b"x-request-id", self._record.request_id.encode("ascii"))
        return [request_id, *EVERY_ANSWER, *quota.fields(self._record.quotas), *self.also]

    # The next four only hand on what is to be awaited: a layer less.

    def start(self, status: int, fields: Fields) -> Coroutine[Any, Any, None]:
        self.problem = self.metadata = _nothing  # an error ends it otherwise from now on
        self._record.status = status
        if self._record.first_byte_ms is None:
            self._record.first_byte_ms = (time.monotonic() - self._record.started) * 1000
        marks = self.marks()
        self._record.quotas = ()  # nobody else wants to know, and a stream is long
        self.started = True  # not before: a fault above still has an answer
        return self._answer.start(status, [*fields, *marks])

    def chunk(self, content: bytes) -> Coroutine[Any, Any, None]:
        self._record.bytes_out += len(content)
        return self._answer.chunk(content)

    def end(self) -> Coroutine[Any, Any, None]:
        return self._answer.end()

    def cut(self) -> Coroutine[Any, Any, None]:
        return self._answer.cut()

    def writer(self) -> Writer | None:
        self._writer = self._answer.writer()
        return None if self._writer is None else self

    def write(self, content: bytes) -> bool:
        if self._writer is None or not self._writer.write(content):
            return False
        self._record.bytes_out += len(content)
        return True


def _nothing() -> None:
    return None
