"""Random bytes for ids: of the system, but many at a time.

`os.urandom` lets other threads of Python run meanwhile, and where some want to it costs 3 to 10 µs.
What one process has drawn is never another's: one that is forked off draws its own.
"""

import os

AT_ONCE = 256

_drawn: list[bytes] = []
os.register_at_fork(after_in_child=_drawn.clear)


def ten_bytes() -> bytes:
    """What a UUIDv7 takes beside the time. Nobody gets the same ones twice, in whatever thread."""
    try:
        return _drawn.pop()
    except IndexError:
        block = os.urandom(10 * AT_ONCE)
    _drawn.extend([block[at : at + 10] for at in range(10, len(block), 10)])
    return block[:10]
