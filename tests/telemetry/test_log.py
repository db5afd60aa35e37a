import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gateway.ports import Record
from gateway.telemetry import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as JSON lines; logging is as it was afterwards."""
    stream = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    log.configure(stream)
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(handlers=handlers, level=level, force=True)


def logged(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def record(**facts: object) -> Record:
    made = Record(request_id="r-1", method="POST", started=0.0)
    for name, fact in facts.items():
        setattr(made, name, fact)
    return made


def test_an_exchange_is_one_line(lines: io.StringIO) -> None:
    log.ExchangeLog().record(
        record(org="acme", user="u_1", subject="alice@example", status=200, usage={"credits": 1.0})
    )
    (line,) = logged(lines)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["event"] == "exchange"
    assert (line["org"], line["user"], line["status"]) == ("acme", "u_1", 200)
    assert line["usage"] == {"credits": 1.0}
    assert "alice" not in lines.getvalue()  # the subject may be an e-mail address


@pytest.mark.parametrize("text", ["a\nb", '"}', "\x1b[31m", "\u2028", "{}", "\r\n{}"])
def test_nothing_in_a_record_can_make_a_second_line(lines: io.StringIO, text: str) -> None:
    log.ExchangeLog().record(record(org=text, dropped=[f"body:{text}"]))
    (line,) = logged(lines)
    assert line["org"] == text


def test_in_an_application_the_log_is_the_applications(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="gateway"):
        log.ExchangeLog().record(record(org="acme", user="u_1", status=200))
        log.ExchangeLog().note("identity_overridden", record(org="acme"))
    assert [one.levelname for one in caplog.records] == ["INFO", "WARNING"]
    assert caplog.records[0].name == "gateway"
    line = caplog.records[0].getMessage()
    assert line.startswith("event='exchange'")
    assert "user='u_1'" in line
    assert capsys.readouterr() == ("", "")


def test_in_an_application_a_fault_shows_no_value_either(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(token: str) -> None:
        raise ValueError(token)

    secret = "CANARY".lower()
    try:
        broken(secret)
    except ValueError as error:
        log.ExchangeLog().fault(error, record(org="acme"))
    (line,) = caplog.records
    assert "builtins.ValueError" in line.getMessage()
    assert secret not in line.getMessage()
    assert line.exc_info is None
    assert capsys.readouterr() == ("", "")


def test_an_audit_event_says_who_and_what(lines: io.StringIO) -> None:
    log.ExchangeLog().note("identity_overridden", record(org="acme", spoofed=["body:userId"]))
    (line,) = logged(lines)
    assert (line["event"], line["level"]) == ("identity_overridden", "warning")
    assert line["spoofed"] == {"body": 1}


def test_what_a_client_called_things_is_counted_and_not_said(lines: io.StringIO) -> None:
    """A client that writes its token where a name belongs has made it one."""
    names = ["query:TOKEN-CANARY", "query:x", "body:metadata/TOKEN-CANARY"]
    log.ExchangeLog().record(record(org="acme", dropped=names, spoofed=names[2:]))
    (line,) = logged(lines)
    assert (line["dropped"], line["spoofed"]) == ({"query": 2, "body": 1}, {"body": 1})
    assert "CANARY" not in lines.getvalue()


def test_a_fault_has_its_traceback_and_no_values_of_variables(lines: io.StringIO) -> None:
    def fails(token: str) -> None:
        raise OSError(28, token, "/" + token)

    try:
        try:
            fails("TOKEN-" + "CANARY")
        except OSError as error:
            raise ValueError("TOKEN-" + "CANARY") from error
    except ValueError as error:
        log.ExchangeLog().fault(error, record())
    (line,) = logged(lines)
    said = str(line["exception"])
    assert "builtins.ValueError" in said
    assert "builtins.OSError No space left on device" in said
    assert ", in fails" in said
    assert "TOKEN-CANARY" not in lines.getvalue()


def test_what_a_library_logs_of_an_exception_has_none_either(lines: io.StringIO) -> None:
    try:
        raise RuntimeError("TOKEN-" + "CANARY")
    except RuntimeError:
        # Not uvicorn's own logger: whoever makes a uvicorn.Config stops what it hands on.
        logging.getLogger("some.library").exception("Exception in an application")
    (line,) = logged(lines)
    assert "builtins.RuntimeError" in str(line["exception"])
    assert "TOKEN-CANARY" not in lines.getvalue()


def test_the_library_of_traces_says_nothing_of_each_batch(lines: io.StringIO) -> None:
    logging.getLogger("opentelemetry.exporter").error("Failed to export spans batch")
    assert lines.getvalue() == ""


def test_what_libraries_log_has_the_same_form(lines: io.StringIO) -> None:
    logging.getLogger("gateway.server").info("listening on %s", "x")
    logging.getLogger("httpx").info("GET https://id.example/?secret=1")
    (line,) = logged(lines)
    assert line["event"] == "listening on x"


@pytest.mark.parametrize(("plain", "colored"), [("", True), ("1", False)])
def test_a_terminal_gets_columns(
    monkeypatch: pytest.MonkeyPatch, plain: str, colored: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", plain)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        log.configure(stream)
        log.ExchangeLog().record(record(org="acme"))
    finally:
        structlog.reset_defaults()
        logging.basicConfig(handlers=handlers, level=level, force=True)
    assert "exchange" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
    assert ("\x1b[" in stream.getvalue()) is colored


def test_an_event_that_nobody_took_is_a_line_and_one_that_was_taken_is_none(
    lines: io.StringIO,
) -> None:
    for outcome in ("delivered", "failed", "died"):
        log.ExchangeLog().delivered("acme", "support", outcome)
    (line,) = logged(lines)
    assert (line["event"], line["org"], line["upstream"]) == ("event_died", "acme", "support")


def test_serving_writes_the_same_lines_by_a_thread(
    lines: io.StringIO, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    records = [record(org=org, status=200) for org in ("acme", "Zoë", "half \ud83d", "beta")]
    for one in records:
        log.ExchangeLog().record(one)
    with log.to_stderr():
        for one in records:
            log.ExchangeLog().record(one)
    by_thread = [json.loads(line) for line in capfdbinary.readouterr().err.splitlines()]
    here = logged(lines)
    for line in (*here, *by_thread):
        del line["timestamp"]
    assert by_thread == here
