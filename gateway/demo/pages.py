"""Lists by the page, as Chatbase has them: `{data, pagination: {cursor, hasMore, total}}`."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


def page(items: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """The page that `cursor` and `limit` ask for. A cursor holds the id of the item before it.

    Raises:
        ValueError: a limit out of range, or a cursor that is none of ours.
    """
    limit = _limit(query.get("limit", ""))
    start = _start(items, query.get("cursor", ""))
    shown = list(items[start : start + limit])
    more = start + limit < len(items)
    return {
        "data": shown,
        "pagination": {
            "cursor": _cursor(shown[-1]["id"]) if more else None,
            "hasMore": more,
            "total": len(items),
        },
    }


def _limit(written: str) -> int:
    if not written:
        return DEFAULT_LIMIT
    if not (written.isascii() and written.isdigit() and 1 <= int(written) <= MAX_LIMIT):
        raise ValueError(f"limit must be a number from 1 to {MAX_LIMIT}")
    return int(written)


def _cursor(item_id: str) -> str:
    return base64.urlsafe_b64encode(item_id.encode("ascii")).decode("ascii").rstrip("=")


def _start(items: Sequence[Mapping[str, Any]], cursor: str) -> int:
    if not cursor:
        return 0
    try:
        before = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        return [item["id"] for item in items].index(before) + 1
    except (binascii.Error, ValueError) as error:
        raise ValueError("cursor is not one of ours") from error
