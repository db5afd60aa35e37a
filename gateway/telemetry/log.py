"""One structured log record an exchange; audit events and faults of our own beside it.

No message text, token, cookie, key, body, query or path: what a record has is in `ports.Record`.
All by structlog, but for the line of an exchange in the gateway's own log (`exchange_line`).

Nobody waits for whoever reads the log: `to_stderr` hands lines to a thread, which may be stuck;
`at_once` is for a process that will fork, and has no thread.
"""

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, ClassVar, TextIO

import msgspec
import structlog
from structlog.typing import ExcInfo

from gateway.ports import Record
from gateway.telemetry.at_once import AtOnce
from gateway.telemetry.exchange_line import counted, facts_of, line_of
from gateway.telemetry.lines import STDERR, Lines

# httpx logs URLs at INFO; the others tell of each step of a start.
QUIET = ("httpx", "httpcore", "alembic", "uvicorn.error")
# It says of each batch that nobody takes it; `telemetry.collector` says so once.
SILENT = "opentelemetry"


def configure(stream: TextIO | None = None) -> None:
    """Send log lines to standard error: JSON for machines, columns on a terminal."""
    target = stream or sys.stderr
    _configure(_processors(target), structlog.WriteLoggerFactory(target))


@contextmanager
def to_stderr() -> Iterator[None]:
    """As `configure`, but by a thread; at the end what there is has been written."""
    processors = _processors(sys.stderr)
    lines = Lines(STDERR, missing=partial(_missing, processors))
    _configure(processors, _ToLines(lines))
    ExchangeLog.lines = None if sys.stderr.isatty() else lines
    try:
        yield
    finally:
        ExchangeLog.lines = None
        lines.close()


@contextmanager
def at_once() -> Iterator[None]:
    """As `configure`, for the parent of workers: a line that nobody takes at once is lost."""
    processors = _processors(sys.stderr)
    with closing(AtOnce(sys.stderr.fileno(), missing=partial(_missing, processors))) as lines:
        _configure(processors, _ToLines(lines))
        yield


def _missing(processors: list[structlog.typing.Processor], count: int) -> bytes:
    line: Any = {"event": "log_lines_dropped", "count": count}
    for processor in processors:
        line = processor(None, "warning", line)
    return str(line).encode()


class _ToLines:
    """A logger for structlog, and what makes it: one for all."""

    def __init__(self, lines: Lines | AtOnce) -> None:
        self.lines = lines

    def __call__(self, *_: object) -> "_ToLines":
        return self

    def msg(self, line: str) -> None:
        self.lines.add(line.encode("utf-8", "backslashreplace"))

    debug = info = warning = error = critical = msg


def _processors(target: TextIO) -> list[structlog.typing.Processor]:
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if target.isatty():
        colors = not os.environ.get("NO_COLOR")  # https://no-color.org
        renderer = structlog.dev.ConsoleRenderer(colors=colors)
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_values,
        _what_and_when_first,
        renderer,
    ]


def _configure(processors: list[structlog.typing.Processor], factory: Any) -> None:
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[LibraryRecords()], level=logging.INFO, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(SILENT).setLevel(logging.CRITICAL)


class LibraryRecords(logging.Handler):
    """Passes what libraries log by `logging` on, so that all lines have one form."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)


def _trace(exc_info: ExcInfo) -> str:
    """Where an exception came from, and of which types it and its causes are.

    Neither local variables nor its own words: both may hold the token or the key it is about. Of an
    OSError the system's words for its number.
    """
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    seen: set[BaseException] = set()
    while error is not None and error not in seen:
        seen.add(error)
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        number = error.errno if isinstance(error, OSError) else None
        lines.append(f"{kind} {os.strerror(number)}" if number else kind)
        lines += (line.rstrip() for line in traceback.format_tb(error.__traceback__))
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


_without_values = structlog.processors.ExceptionRenderer(_trace)


def _what_and_when_first(
    logger: object, method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    first = {name: line.pop(name) for name in ("timestamp", "level", "event") if name in line}
    return {**first, **line}


# In an application whose log is its own: by Python's `logging`, as it says, and with what we leave
# out left out. structlog by default writes local variables, which may be a token or a key.
_OF_A_HOST = structlog.wrap_logger(
    logging.getLogger("gateway"),
    processors=[
        structlog.stdlib.filter_by_level,
        _without_values,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ],
    wrapper_class=structlog.stdlib.BoundLogger,
    context_class=dict,
)


class ExchangeLog:
    """Keeps the `UsageSink`, `AuditSink`, `FaultSink` and `DeliverySink` ports by writing lines.

    `lines` is where those go that are JSON and need no structlog; None: all need it.
    """

    lines: ClassVar[Lines | None] = None

    @property
    def _log(self) -> Any:
        ours = _without_values in structlog.get_config()["processors"]
        return structlog.get_logger("gateway") if ours else _OF_A_HOST

    @property
    def is_ours(self) -> bool:
        """Whether exchanges go into a log of our own, which asks nobody where it is called."""
        return self.lines is not None

    @property
    def lines_dropped(self) -> int:
        """Lines that nobody read in time."""
        factory = structlog.get_config()["logger_factory"]
        return factory.lines.dropped if isinstance(factory, _ToLines) else 0

    def record(self, record: Record) -> None:
        if self.lines is not None and (line := line_of(record)) is not None:
            self.lines.add(line)
            return
        self._log.info("exchange", **msgspec.to_builtins(facts_of(record)))

    def note(self, event: str, record: Record) -> None:
        self._log.warning(event, **_who(record), spoofed=counted(record.spoofed) or None)

    def fault(self, error: Exception, record: Record) -> None:
        self._log.error("fault", **_who(record), exc_info=error)

    def delivered(self, org: str, upstream: str, outcome: str) -> None:
        if outcome == "died":
            self._log.warning("event_died", org=org, upstream=upstream)


def _who(record: Record) -> dict[str, object]:
    return {
        "request_id": record.request_id,
        "org": record.org,
        "upstream": record.upstream,
        "operation": record.operation,
        "user": record.user,
        "conversation": record.conversation,
    }
