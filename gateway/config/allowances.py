"""Limits as a configuration writes them: `"60/minute"`, `"5 streams"`, `"200 credits/day"`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gateway.config.kinds import JsonSchema, OneOrMore
from gateway.config.table import Table
from gateway.config.units import Seconds
from gateway.core.limits.quota import THOUSANDTHS, Budget, Period, Rate, Streams, Unit

Value = TypeVar("Value")

_LENGTHS = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}  # seconds
_SHORT = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
_WORDS = {
    **_LENGTHS,
    **{f"{word}s": length for word, length in _LENGTHS.items()},
    **{short: _LENGTHS[word] for short, word in _SHORT.items()},
}
_RATE = re.compile(r"([1-9][0-9]{0,8}) ?/ ?([1-9][0-9]{0,6})? ?([a-z]+)")
_STREAMS = re.compile(r"([1-9][0-9]{0,6}) streams?")
_AMOUNT = r"([0-9]{1,12}(?:\.[0-9]{1,3})?) (credit|token)s?"
_BUDGET = re.compile(_AMOUNT + r" ?/ ?(day|month)")
_RESERVE = re.compile(_AMOUNT)
MOST_SECONDS = 31 * 86_400
MOST_CALLS = 10_000  # of a vendor's limit: each call in the window is remembered


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is held of a budget before its vendor is called."""

    thousandths: int
    unit: Unit


def rate(written: object) -> Rate:
    """So many requests in a time.

    Raises:
        ValueError: it is not written so.
    """
    found = _RATE.fullmatch(written) if isinstance(written, str) else None
    if found is None or found[3] not in _WORDS:
        raise ValueError('must be a number and a time, as in "60/minute" or "100/10s"')
    seconds = int(found[2] or 1) * _WORDS[found[3]]
    if seconds > MOST_SECONDS:
        raise ValueError("must be of 31 days at most")
    return Rate(int(found[1]), seconds)


def allowance(written: object) -> Rate | Streams:
    """Requests in a time, or answers under way.

    Raises:
        ValueError: it is neither.
    """
    found = _STREAMS.fullmatch(written) if isinstance(written, str) else None
    if found is not None:
        return Streams(int(found[1]))
    try:
        return rate(written)
    except ValueError as error:
        raise ValueError(f'{error}, or answers under way, as in "5 streams"') from None


def vendor_limit(written: object) -> Rate:
    """What a vendor takes for one key.

    Raises:
        ValueError: it is not written so, or too large to share out.
    """
    found = rate(written)
    if found.count > MOST_CALLS:
        raise ValueError(f"must be {MOST_CALLS} calls at most: write it for a shorter time")
    return found


def budget(written: object) -> Budget:
    """So many credits or tokens in a day or month.

    Raises:
        ValueError: it is not written so.
    """
    found = _BUDGET.fullmatch(written) if isinstance(written, str) else None
    if found is None or not Decimal(found[1]):
        raise ValueError(
            'must be an amount of credits or tokens a day or month, as in "200 credits/day"'
        )
    period: Period = "day" if found[3] == "day" else "month"
    return Budget(_thousandths(found[1]), _unit(found[2]), period)


def reserve(written: object) -> Reserve:
    """What is held of a budget of its unit.

    Raises:
        ValueError: it is not written so.
    """
    found = _RESERVE.fullmatch(written) if isinstance(written, str) else None
    if found is None or not Decimal(found[1]):
        raise ValueError('must be an amount of credits or tokens, as in "1 credit"')
    return Reserve(_thousandths(found[1]), _unit(found[2]))


def _thousandths(written: str) -> int:
    return int(Decimal(written) * THOUSANDTHS)


def _unit(written: str) -> Unit:
    return "credits" if written == "credit" else "tokens"


def written_rate(value: Rate) -> str:
    for word, length in _LENGTHS.items():
        if value.seconds % length == 0:
            many = value.seconds // length
            return f"{value.count}/{word}" if many == 1 else f"{value.count}/{many} {word}s"
    return f"{value.count}/{value.seconds} seconds"


def written_allowance(value: Rate | Streams) -> str:
    return f"{value.count} streams" if isinstance(value, Streams) else written_rate(value)


def written_budget(value: Budget) -> str:
    return f"{_amount(value.thousandths)} {value.unit}/{value.period}"


def written_reserve(value: Reserve) -> str:
    amount = _amount(value.thousandths)
    return f"{amount} {value.unit.removesuffix('s') if amount == '1' else value.unit}"


def _amount(thousandths: int) -> str:
    return f"{Decimal(thousandths) / THOUSANDTHS:f}"


class Written:
    """A value that is text in the file."""

    def __init__(
        self, read: Callable[[object], Value], write: Callable[[Value], str], example: str
    ) -> None:
        self._read = read
        self._write = write
        self._example = example

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        shown = core_schema.plain_serializer_function_ser_schema(self._write, when_used="json")
        return core_schema.no_info_plain_validator_function(self._read, serialization=shown)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchema:
        return {"type": "string", "examples": [self._example]}


_Allowances = Annotated[
    tuple[Annotated[Rate | Streams, Written(allowance, written_allowance, "60/minute")], ...],
    OneOrMore(),
]
_Budgets = Annotated[
    tuple[Annotated[Budget, Written(budget, written_budget, "200 credits/day")], ...],
    OneOrMore(),
]
_Reserves = Annotated[
    tuple[Annotated[Reserve, Written(reserve, written_reserve, "1 credit")], ...], OneOrMore()
]
VendorLimit = Annotated[Rate, Written(vendor_limit, written_rate, "100/10s")]


class LimitsTable(Table):
    """How much one person of an org may ask for, and how much all of them may."""

    per_user: _Allowances = Field(
        default=(), description='"60/minute" of what makes a vendor think, "5 streams".'
    )
    per_org: _Allowances = Field(default=(), description="The same, for all people together.")
    budget_per_user: _Budgets = Field(
        default=(), description='"200 credits/day"; days and months are those of UTC.'
    )
    budget_per_org: _Budgets = Field(default=(), description="The same, for all people together.")
    reserve: _Reserves = Field(
        default=(), description="Held before the vendor is called: 1 credit, 1000 tokens."
    )


class SharedCounters(Table):
    """A Redis or Valkey in which replicas count together."""

    url: str = Field(repr=False, description="redis://, rediss:// (TLS) or unix://.")
    on_failure: Literal["local", "open", "closed"] = Field(
        default="local",
        description="While it is away: count in each process, count nothing, or refuse.",
    )
    timeout: Annotated[float, Seconds("10ms", "5s")] = Field(
        default=0.25, description="After which it is away."
    )
