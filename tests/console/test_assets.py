from pathlib import Path

import pytest

from gateway.console.assets import ASSETS, HERE, asset
from tests.support.host_apps import install_node_packages

PACKAGES = Path(__file__).parent / "node"
PUBLISHED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE": "uplot/LICENSE",
}


@pytest.mark.parametrize("path", sorted(ASSETS))
def test_every_asset_is_there(path: str) -> None:
    content, media = asset(path)
    assert content
    assert media.startswith((b"text/", b"image/"))


def test_what_is_of_others_is_as_they_publish_it() -> None:
    """Of the versions that the lock file pins, by their digests."""
    install_node_packages(PACKAGES)
    vendored = {path.name: path.read_bytes() for path in (HERE / "vendor").iterdir()}
    published = {
        name: (PACKAGES / "node_modules" / path).read_bytes() for name, path in PUBLISHED.items()
    }
    assert vendored == published
