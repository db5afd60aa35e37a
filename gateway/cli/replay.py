"""`gateway replay`: recorded requests through the same decisions; what would change, and why.

Nothing is sent. Recorded credentials may have expired since: `--token` stands in for them.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli import progress
from gateway.cli.looking import Typed, look, looking
from gateway.cli.options import Config, fail, file_text, load_or_exit

if TYPE_CHECKING:
    from gateway.config.model import Settings
    from gateway.explain.decisions import Explanation
    from gateway.explain.recording import Recorded

CREDENTIALS = {b"authorization", b"cookie", b"x-api-key"}


@dataclass(slots=True)
class Report:
    """What would happen to a recording."""

    alike: int = 0  # reach the vendor as they are, but for who is asking
    rewritten: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    first: dict[str, str] = field(default_factory=dict)  # reason → where it came first

    @property
    def total(self) -> int:
        return self.alike + self.changed + self.refused.total()

    def add(self, recorded: "Recorded", explanation: "Explanation") -> None:
        if explanation.request is None:
            reasons = [explanation.steps[-1][1]]
            self.refused.update(reasons)
        else:
            reasons = rewritings(explanation)
            self.rewritten.update(reasons)
            self.changed += bool(reasons)
            self.alike += not reasons
        for reason in reasons:
            self.first.setdefault(reason, f"{recorded.place}: {recorded.method}")


def rewritings(explanation: "Explanation") -> list[str]:
    """What of a request would not reach the vendor, each once."""
    record = explanation.record
    spoofed = [f"{name} says who is asking: overridden" for name in record.spoofed]
    dropped = [f"{name} is not listed: left out" for name in record.dropped]
    return [*spoofed, *(one for one in dropped if one.split(" ")[0] not in record.spoofed)]


def command(
    file: Annotated[Path, typer.Argument(help="HAR, or NDJSON with one request a line.")],
    token: Annotated[
        str | None, typer.Option(help="Stands in for every recorded credential.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Goes before every recorded path, as /support.")] = "",
    host: Annotated[str | None, typer.Option(help="Stands in for the recorded Host.")] = None,
    config: Config = None,
    shape: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people, or machines.")
    ] = "text",
) -> None:
    """Say what would be rewritten or refused of recorded requests, and why; send nothing."""
    from gateway.explain.recording import NotARecording, read

    settings = load_or_exit(config).settings
    text = file_text(file)
    try:
        recorded = list(read(text))
    except NotARecording as error:
        raise fail(f"{file} is no recording: {error}") from None
    asked = [(one, as_asked(one, token=token, prefix=prefix, host=host)) for one in recorded]
    report = asyncio.run(replayed(settings, asked))
    if shape == "json":
        json.dump(as_json(report), sys.stdout, indent=2)
        typer.echo("")
    else:
        for line in as_text(report):
            typer.echo(line)


def as_asked(recorded: "Recorded", *, token: str | None, prefix: str, host: str | None) -> Typed:
    """The request as it would come to the gateway."""
    fields = [line for line in recorded.fields if token is None or line[0] not in CREDENTIALS]
    if token is not None:
        fields.append((b"authorization", f"Bearer {token}".encode()))
    if host is not None:
        fields = [line for line in fields if line[0] != b"host"]
    if not any(name == b"host" for name, _ in fields):
        fields.insert(0, (b"host", (host or "localhost").encode()))
    path, _, query = recorded.path.partition("?")
    return Typed(
        method=recorded.method,
        raw_path=prefix.rstrip("/") + path,
        raw_query=query.encode("latin-1", "replace"),
        fields=fields,
        content=recorded.content,
    )


async def replayed(settings: "Settings", asked: list[tuple["Recorded", Typed]]) -> Report:
    """Take every request through the decisions."""
    report = Report()
    async with looking(settings) as house:
        for recorded, request in progress.each(asked, "Replaying"):
            report.add(recorded, await look(house, request))
    return report


def as_text(report: Report) -> Iterator[str]:
    yield (
        f"{report.total} requests: {report.alike} would pass as they are, {report.changed} "
        f"rewritten, {report.refused.total()} refused. Nothing was sent."
    )
    for title, reasons in (("Rewritten", report.rewritten), ("Refused", report.refused)):
        if reasons:
            yield f"\n{title}"
        for reason, count in reasons.most_common():
            yield f"{count:>8}  {reason}  (first: {report.first[reason]})"


def as_json(report: Report) -> dict[str, object]:
    def listed(reasons: Counter[str]) -> list[dict[str, object]]:
        return [
            {"reason": reason, "count": count, "first": report.first[reason]}
            for reason, count in reasons.most_common()
        ]

    return {
        "requests": report.total,
        "alike": report.alike,
        "rewritten": report.changed,
        "refused": report.refused.total(),
        "rewritings": listed(report.rewritten),
        "refusals": listed(report.refused),
    }
