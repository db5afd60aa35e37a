"""Where several processes count together: in files, which the library maps into memory.

A page of such a file that the disk has no block for ends whoever writes to it (SIGBUS): with a full
/tmp all workers ended within seconds, and those who took their places. So nothing is written there
unless there is room for more than is written until the next look.
"""

import logging
import os
from typing import Final

from prometheus_client import values

LOG = logging.getLogger("gateway")

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
ROOM: Final = 8 * 2**20  # bytes


def has_room(folder: str) -> bool:
    """Whether anything may be written there."""
    try:
        disk = os.statvfs(folder)
    except OSError:  # it is gone
        return False
    return disk.f_bavail * disk.f_frsize >= ROOM


def where_to_count() -> str | None:
    """The folder; None: this process counts by itself."""
    found = os.environ.get(FOLDER)
    if found is None or has_room(found):
        return found
    LOG.error("no room in %s: this process has metrics of its own", found)
    del os.environ[FOLDER]
    values.ValueClass = values.MutexValue  # whoever made this process may have chosen
    return None
