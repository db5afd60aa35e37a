"""The shortcut of an answer: a chunk in which nothing is looked for goes from wire to wire.

Most events of a stream hold text and nothing else. Each of these goes on in the callback that
brings it, and wakes nobody: 2.3 µs in place of 5.7 and a turn of the loop. Whatever else comes, and
whatever the client cannot take yet, is for `gateway.relay`.
"""

from gateway.core.keywatch import KeyWatch
from gateway.core.observe import Observer
from gateway.ports import Outbound, Shortcut


def shortcut(observer: Observer, watch: KeyWatch, answer: Outbound) -> Shortcut | None:
    """What takes chunks of an answer that `observer` and `watch` have nothing to say about."""
    write = answer.writer()
    if write is None:
        return None

    def take(chunk: bytes) -> bool:
        return observer.passes(chunk) and watch.passes(chunk) and write(chunk)

    return take
