"""Durations and sizes as a configuration writes them: `"500ms"`, `"15m"`, `"32KiB"`.

A bare number would leave its unit to guessing, so a duration always names one; a bare whole number
as a size is bytes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gateway.config.kinds import JsonSchema

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)?")
_BYTES = {"GiB": 1024**3, "MiB": 1024**2, "KiB": 1024, "B": 1}


def seconds(written: object) -> float:
    """The seconds of a duration: one number and one of ms, s, m, h, d.

    Raises:
        ValueError: it is not written so.
    """
    found = _DURATION.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError('must be a number and a unit of ms, s, m, h, d, as in "30s"')
    return float(found[1]) * _SECONDS[found[2]]


def size(written: object) -> int:
    """The bytes of a size: a whole number and one of B, KiB, MiB, GiB, or none for bytes.

    Raises:
        ValueError: it is not written so.
    """
    whole = isinstance(written, int) and not isinstance(written, bool)
    found = _SIZE.fullmatch(str(written)) if whole or isinstance(written, str) else None
    if found is None:
        raise ValueError('must be a whole number and a unit of B, KiB, MiB, GiB, as in "1MiB"')
    return int(found[1]) * _BYTES[found[2] or "B"]


def written_seconds(value: float) -> str:
    """A duration in the largest unit in which it is a whole number."""
    for unit, length in _SECONDS.items():
        count = round(value / length)
        if count and abs(count * length - value) < 1e-9:
            return f"{count}{unit}"
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def written_size(value: int) -> str:
    """A size in the largest unit in which it is a whole number."""
    for unit, length in _BYTES.items():
        if value and value % length == 0:
            return f"{value // length}{unit}"
    return f"{value}B"


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration within bounds: text in the file, seconds in the model."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return _measured(self._read, written_seconds)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchema:
        return {"type": "string", "examples": [self.least, self.most]}

    def _read(self, written: object) -> float:
        value = seconds(written)
        if not seconds(self.least) <= value <= seconds(self.most):
            raise ValueError(f"must be from {self.least} to {self.most}")
        return value


@dataclass(frozen=True, slots=True)
class Bytes:
    """A size within bounds: text or a number of bytes in the file, bytes in the model."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return _measured(self._read, written_size)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchema:
        return {"type": ["string", "integer"], "examples": [self.least, self.most]}

    def _read(self, written: object) -> int:
        value = size(written)
        if not size(self.least) <= value <= size(self.most):
            raise ValueError(f"must be from {self.least} to {self.most}")
        return value


def _measured(read: Callable[[Any], Any], write: Callable[[Any], str]) -> CoreSchema:
    shown = core_schema.plain_serializer_function_ser_schema(write, when_used="json")
    return core_schema.no_info_plain_validator_function(read, serialization=shown)
