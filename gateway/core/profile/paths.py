"""Paths as the most forgiving router would read them: one that ignores case."""

from dataclasses import dataclass
from typing import Self

ANY = None  # one segment, whatever it is but empty


@dataclass(frozen=True, slots=True)
class LoosePath:
    """A template of RFC 6570 level 1; where it is open-ended, its last segment takes what follows.

    `names` are those of its variables, "" where a literal stands.
    """

    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    open_ended: bool

    @classmethod
    def of(cls, path: str) -> Self:
        parts = path[1:].split("/")
        return cls(
            tuple(ANY if part.startswith("{") else part.casefold() for part in parts),
            tuple(part.strip("{+}") if part.startswith("{") else "" for part in parts),
            parts[-1].startswith("{+"),
        )

    def fits(self, parts: list[str]) -> bool:
        """Whether a path of these segments, in lower case, could be taken for this one."""
        wanted = self.segments
        if len(parts) < len(wanted) or (len(parts) > len(wanted) and not self.open_ended):
            return False
        rest = len(wanted) - 1 if self.open_ended else -1  # what follows a path may be nothing
        pairs = enumerate(zip(wanted, parts, strict=False))
        return all(
            part or place == rest if one is ANY else one == part for place, (one, part) in pairs
        )

    def is_plainer(self, other: "LoosePath", names: tuple[str, ...]) -> bool:
        """Whether it has a literal where `other` has one of these variables."""
        both = zip(self.segments, other.names, strict=False)
        return any(segment is not ANY and name in names for segment, name in both)
