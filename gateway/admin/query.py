"""What a request asks for, by its query: strictly, for a typing mistake is no wish."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, cast, get_args

from gateway.config.kinds import EVERY_ORG
from gateway.core.errors import BadRequest
from gateway.store.reports import By, Filter, Report
from gateway.store.when import HINT, when

Form: TypeAlias = Literal["json", "csv", "ndjson"]

MOST_ROWS = 100  # of a page
OF_EVERY_LIST = ("org", "user", "since", "until", "cursor", "limit", "format")
_NUMBER = re.compile("[0-9]{1,9}")
_TIMES = frozenset({"day", "month"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One list, as asked for."""

    which: Filter
    by: By
    form: Form
    limit: int
    cursor: str | None

    def after(self, report: Report) -> Sequence[object] | None:
        """The key that the cursor means.

        Raises:
            BadRequest: it is none of this list.
        """
        if self.cursor is None:
            return None
        try:
            return _key(self.cursor, report.keys)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadRequest("cursor is none of this list: begin again without it") from error


def wanted(
    query: Sequence[tuple[str, str]], known: Sequence[str], orgs: Mapping[str, str]
) -> Wanted:
    """What a query means; `known` are the parameters there are, `orgs` names to external_ids.

    Raises:
        BadRequest: one is unknown, there twice, or no value of its kind.
    """
    given = _once(query, known)
    now = datetime.now(UTC)
    return Wanted(
        which=Filter(
            org=_org(given.get("org"), orgs, is_everybody="user" not in given),
            user=given.get("user"),
            since=_time(given, "since", now),
            until=_time(given, "until", now),
        ),
        by=cast(By, _one_of(given, "by", get_args(By), "user")),
        form=cast(Form, _one_of(given, "format", get_args(Form), "json")),
        limit=_limit(given.get("limit")),
        cursor=given.get("cursor"),
    )


def _once(query: Sequence[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in query:
        if name not in known:
            raise BadRequest(f"There is no such parameter; there are {', '.join(known)}")
        if name in given:
            raise BadRequest(f"{name} is there twice")
        if not value or "\0" in value or "\ufffd" in value:
            raise BadRequest(f"{name} has no value")
        given[name] = value
    return given


def _org(name: str | None, orgs: Mapping[str, str], *, is_everybody: bool) -> str | None:
    """The external_id. A person is of one org: where there is only one, of that."""
    if name is None:
        only = len(orgs) == 1 and EVERY_ORG not in orgs
        return next(iter(orgs.values())) if only and not is_everybody else None
    if name not in orgs and EVERY_ORG not in orgs:
        raise BadRequest("There is no such org")
    return orgs.get(name, name)


def _time(given: Mapping[str, str], name: str, now: datetime) -> int | None:
    if name not in given:
        return None
    try:
        return when(given[name], now)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{name} must be {HINT}") from error


def _one_of(given: Mapping[str, str], name: str, choices: Sequence[str], default: str) -> str:
    value = given.get(name, default)
    if value not in choices:
        raise BadRequest(f"{name} must be one of {', '.join(choices)}")
    return value


def _limit(written: str | None) -> int:
    if written is None:
        return MOST_ROWS
    if not _NUMBER.fullmatch(written) or not 1 <= int(written) <= MOST_ROWS:
        raise BadRequest(f"limit must be a number from 1 to {MOST_ROWS}")
    return int(written)


def cursor_of(report: Report, row: Mapping[str, Any]) -> str:
    """What stands for a row, so that a list can go on after it."""
    values = [row[name] for name in report.keys]
    text = json.dumps([one.hex() if isinstance(one, bytes) else one for one in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(cursor: str, names: Sequence[str]) -> list[object]:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if not isinstance(values, list) or len(values) != len(names):
        raise ValueError("another list's")
    return [_value(name, value) for name, value in zip(names, values, strict=True)]


def _value(name: str, value: object) -> object:
    """A part of a key, of the very type that its column has: PostgreSQL takes no other."""
    if name in _TIMES:
        if type(value) is int and 0 <= value < 2**62:
            return value
    elif isinstance(value, str) and "\0" not in value:
        value.encode()  # UnicodeEncodeError is a ValueError
        return bytes.fromhex(value) if name == "id" else value
    raise ValueError("no such value")
