"""The shortcut of an answer: a chunk in which nothing is looked for goes from wire to wire.

Most events of a stream hold text and nothing else. Each of these goes on in the callback that
brings it, and wakes nobody: 2.3 µs in place of 5.7 and a turn of the loop. Whatever else comes, and
whatever the client cannot take yet, is for `gateway.relay`.
"""

from gateway.core.answer.keywatch import KeyWatch
from gateway.core.answer.observe import Observer
from gateway.core.answer.whole import Whole
from gateway.ports import Outbound, Shortcut, Writer


def shortcut(observer: Observer, watch: KeyWatch, answer: Outbound) -> Shortcut | None:
    """What takes chunks of an answer that `observer` and `watch` have nothing to say about.

    None: there are none, or `answer` does not go out so.
    """
    if isinstance(observer, Whole):
        return None
    writer = answer.writer()
    return None if writer is None else _Taking(observer, watch, writer)


class _Taking:
    __slots__ = ("_observer", "_watch", "_writer")

    def __init__(self, observer: Observer, watch: KeyWatch, writer: Writer) -> None:
        self._observer = observer
        self._watch = watch
        self._writer = writer

    def take(self, chunk: bytes) -> bool:
        return (
            self._observer.passes(chunk) and self._watch.passes(chunk) and self._writer.write(chunk)
        )
