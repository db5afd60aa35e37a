"""What is left for the collector to find, which looks at everything seldom: memory until then."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_of_ours() -> Iterator[None]:
    """Fails where the block leaves objects of the gateway's or of a parser's in circles."""
    gc.collect()
    held = gc.get_objects()  # by earlier tests: what they let go meanwhile is none of the block's
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
        gc.collect()
        left = [type(one) for one in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        del held
    assert [
        one for one in left if one.__module__.partition(".")[0] in {"gateway", "httptools"}
    ] == []
