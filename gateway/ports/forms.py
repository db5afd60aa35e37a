"""A form with files, read as it comes."""

from collections.abc import Sequence
from typing import Protocol

from gateway.core.request.form import FormEvent


class FormReader(Protocol):
    """Reads one form. Both raise `BadRequest` where it is none."""

    def feed(self, chunk: bytes) -> Sequence[FormEvent]:
        """What the next bytes say."""
        ...

    def end(self) -> None:
        """The body is over: so is the form."""
        ...


class ReadsForms(Protocol):
    def __call__(self, boundary: bytes, /) -> FormReader: ...
