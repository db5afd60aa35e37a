"""What the pages load: an exact map, so that no path leads anywhere else.

`vendor/` holds files of other projects as they publish them, with their licences: uPlot draws the
chart, htmx renews a part of a page.
"""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent / "static"
_JAVASCRIPT, _CSS = b"text/javascript; charset=utf-8", b"text/css; charset=utf-8"
ASSETS = {
    f"/console/static/{name}": (name, media)
    for name, media in (
        ("console.css", _CSS),
        ("console.js", _JAVASCRIPT),
        ("icon.svg", b"image/svg+xml"),
        ("vendor/uPlot.min.css", _CSS),
        ("vendor/uPlot.iife.min.js", _JAVASCRIPT),
        ("vendor/htmx.min.js", _JAVASCRIPT),
    )
}


@cache
def asset(path: str) -> tuple[bytes, bytes]:
    """The content and the media type of one of `ASSETS`."""
    name, media = ASSETS[path]
    return (HERE / name).read_bytes(), media
