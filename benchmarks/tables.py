"""What was measured, as tables that a page of Markdown may have as they are."""

import statistics
from collections.abc import Sequence
from typing import TypeAlias

from benchmarks.figure import Figure
from benchmarks.scenes import Measured

Row: TypeAlias = tuple[str, ...]


def table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    print(f"\n{title}\n")
    for row in (columns, ["-" * width for width in widths], *rows):
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        print(f"| {' | '.join(cells)} |", flush=True)


def ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else "-"


def show_unary(found: Sequence[Measured]) -> None:
    base = found[0].median_cpu
    table(
        "Unary chat: verify a token, strip, inject, rewrite the body, forward",
        ("", "CPU µs", "of the gateway's", "requests/s", "added ms", "others", "lacks"),
        [
            (
                one.peer,
                f"{one.median_cpu:.0f}",
                ratio(one.median_cpu, base),
                f"{statistics.median(one.rate):,.0f}",
                f"{one.added:.2f}",
                f"{one.others:.0%}",
                one.lacks,
            )
            for one in found
        ],
    )


def show_streams(found: Sequence[Measured]) -> None:
    base = found[0].median_cpu
    table(
        "Event streams",
        (
            "",
            "CPU µs an event",
            "of the gateway's",
            "CPU µs around them",
            "delay ms",
            "first event ms",
            "others",
        ),
        [
            (
                one.peer,
                f"{one.median_cpu:.1f}",
                ratio(one.median_cpu, base),
                f"{statistics.median(one.around):.0f}",
                f"{statistics.median(one.delay):.2f}",
                f"{one.first:+.2f}",
                f"{one.others:.0%}",
            )
            for one in found
        ],
    )


def show_memory(found: Sequence[Measured]) -> None:
    rows = [(one.peer, f"{one.memory:.1f}") for one in found]
    table("Memory of an open stream (PSS)", ("", "kB"), rows)


def show_figures(title: str, found: Sequence[Figure]) -> None:
    """One row a figure, and a column for each who has it."""
    peers = list(dict.fromkeys(one.who for one in found))
    rows: dict[str, dict[str, str]] = {}
    for one in found:
        what = f"{one.what}, beside {one.beside:,} streams" if one.beside else one.what
        rows.setdefault(what, {})[one.who] = str(one)
    cells = [(what, *(of.get(who, "") for who in peers)) for what, of in rows.items()]
    table(title, ("", *peers), cells)
