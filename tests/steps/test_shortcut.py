"""A chunk goes on at once, or not at all; the wire's side: tests/net/upstream/."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answer.keywatch import Keys, KeyWatch
from gateway.core.answer.observe import Note, Opens, Stop, observe
from gateway.core.formats.fields import media_type
from gateway.ports import Fields, Shortcut, Writer
from gateway.steps.shortcut import shortcut
from gateway.vendors.chatbase import VENDOR

KEY = "sk-live-0123456789abcdef"
CHAT = VENDOR.operations["chat"]
TEXT = b'data: {"type":"text-delta","delta":"and then"}\n\n'


class Out:
    """An `Outbound` that takes as many chunks as there is `room` for."""

    started = True

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.written = b""

    async def start(self, status: int, fields: Fields) -> None:
        raise NotImplementedError

    async def chunk(self, content: bytes) -> None:
        self.written += content

    async def end(self) -> None:
        raise NotImplementedError

    async def cut(self) -> None:
        raise NotImplementedError

    def writer(self) -> Writer | None:
        return self if self.room else None

    def write(self, content: bytes) -> bool:
        self.room -= 1
        if self.room < 0:
            return False
        self.written += content
        return True


def taking(out: Out, *known: str) -> Shortcut | None:
    observer = observe(CHAT, media_type(b"text/event-stream"), ok=True, user="alice", known=known)
    return shortcut(observer, KeyWatch(Keys([KEY])), out)


def test_an_answer_that_is_held_whole_has_none() -> None:
    observer = observe(CHAT, media_type(b"application/json"), ok=True, user="alice")
    assert observer.holds
    assert shortcut(observer, KeyWatch(Keys([KEY])), Out()) is None


def test_an_event_that_says_nothing_goes_on() -> None:
    out = Out()
    one = taking(out)
    assert one is not None
    assert one.take(TEXT)
    assert one.take(TEXT + TEXT)
    assert out.written == TEXT * 3


def test_what_must_be_looked_at_does_not() -> None:
    out = Out()
    one = taking(out)
    assert one is not None
    for chunk in (
        b'data: {"metadata":{"conversationId":"c-1"}}\n\n',
        b'data: {"metadata":{"userId":"bob"}}\n\n',
        b'data: {"usage":{"credits":1}}\n\n',
        b'data: {"delta":"half of an ev',
        b'data: {"delta":"' + KEY.encode() + b'"}\n\n',
    ):
        assert not one.take(chunk)
    assert out.written == b""


def test_a_client_that_takes_no_more_now_gets_it_some_other_way() -> None:
    out = Out(room=1)
    one = taking(out)
    assert one is not None
    assert [one.take(TEXT), one.take(TEXT)] == [True, False]
    assert out.written == TEXT


def test_there_is_none_where_nothing_can_be_written_at_once() -> None:
    assert taking(Out(room=0)) is None


SAID = st.lists(
    st.sampled_from(
        [
            TEXT,
            b": a comment\r\n\r\n",
            b"\n",
            b'data: {"conversationId":"c-1"}\n\n',
            b'data: {"conversation\\u0049d":"c-2"}\n\n',
            b'data: {"usage":{"credits":1}}\n\n',
            b'data: {"de',
            b'lta":"x"}\n\n',
            b"data: " + KEY[:9].encode(),
            json.dumps({"delta": KEY[:-1]}).encode(),
            b"\n\n",
        ]
    ),
    max_size=12,
)


def driven(said: list[bytes], room: int) -> tuple[bytes, list[str]]:
    """What passes, and what is told, of a conversation with what had passed before it."""
    observer = observe(CHAT, media_type(b"text/event-stream"), ok=True, user="alice")
    watch, out, told = KeyWatch(Keys([KEY])), Out(room), list[str]()
    one = shortcut(observer, watch, out)

    def goes_on(notes: Iterable[Note]) -> bool:
        for note in notes:
            if isinstance(note, bytes):
                out.written += watch.feed(note)
            else:
                told.append(f"{note!r} {out.written!r}" if isinstance(note, Opens) else repr(note))
            if isinstance(note, Stop):
                return False
        return True

    if all((one and one.take(chunk)) or goes_on(observer.feed(chunk)) for chunk in said):
        goes_on(observer.end())
    return out.written + watch.end(), told


@given(SAID, st.integers(min_value=1, max_value=12))
def test_what_is_taken_changes_nothing_of_what_is_told(said: list[bytes], room: int) -> None:
    """With a shortcut and without one: the same bytes pass, and the same is claimed before them."""
    assert driven(said, room) == driven(said, 0)
