import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import BadRequest, HeaderMismatch
from gateway.core.mcp import messages as mcp
from gateway.core.mcp import mirror as module
from gateway.core.mcp.mirror import mirrored, of_user

MODERN = "2026-07-28"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
UNCODED = "=?base64?!?="


def call(version: str | None = MODERN, **arguments: Any) -> dict[str, Any]:
    meta = {} if version is None else {"_meta": {VERSION_KEY: version}}
    params = {"name": "run_sql", "arguments": arguments, **meta}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def mirror(body: Any, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    asked = mcp.parse(json.dumps(body).encode())
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    return [(name.decode(), value.decode()) for name, value in mirrored(asked, raw)]


def said(version: str = MODERN, **more: str) -> list[tuple[str, str]]:
    fields = {"mcp-method": "tools/call", "mcp-name": "run_sql"}
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    return [("mcp-protocol-version", version), *fields.items()]


def coded(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def test_fields_that_say_what_the_body_says_pass() -> None:
    fields = said(mcp_param_region="eu", mcp_param_deep="7", mcp_param_on="true")
    passed = mirror(call(region="eu", deep={"er": 7}, on=True), fields)
    assert passed == fields[1:]


@pytest.mark.parametrize("text", ["Grüße", " padded ", "a\nb", "=?base64?literal?=", ""])
def test_what_no_field_can_hold_is_coded(text: str) -> None:
    passed = mirror(call(region=text), said(mcp_param_region=coded(text)))
    assert passed[-1] == ("mcp-param-region", coded(text))


def test_what_needs_no_code_passes_without() -> None:
    assert ("mcp-name", "run_sql") in mirror(call(), said(mcp_name=coded("run_sql")))
    begins = coded("run_sql") + "x"
    assert ("mcp-param-x", begins) in mirror(call(x=begins), said(mcp_param_x=begins))


def test_a_number_is_a_number_however_it_is_written() -> None:
    assert mirror(call(limit=42), said(mcp_param_limit="42.0"))
    assert mirror(call(limit=42.0), said(mcp_param_limit="42"))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(call(), said(mcp_name="drop_table"), id="another name"),
        pytest.param(call(), said(mcp_name="RUN_SQL"), id="the name in capitals"),
        pytest.param(call(), said(mcp_name=coded("drop_table")), id="another name, coded"),
        pytest.param(call(), said(mcp_name="=?base64?!?="), id="no base 64"),
        pytest.param(call(), said(mcp_name="=?base64?/w==?="), id="no UTF-8"),
        pytest.param(call(), said(mcp_method="tools/list"), id="another method"),
        pytest.param(call(), said()[:2], id="no name"),
        pytest.param(call(), [said()[0], said()[2]], id="no method"),
        pytest.param(call(), [*said(), ("mcp-name", "run_sql")], id="a name twice"),
        pytest.param(call(), said("2025-11-25"), id="an older version than the body's"),
        pytest.param(call("2025-11-25"), said(), id="a newer version than the body's"),
        pytest.param(call(None), said(), id="no version in the body"),
        pytest.param(call(), said()[1:], id="no version in the fields"),
        pytest.param(call(region="eu"), said(mcp_param_region="us"), id="another argument"),
        pytest.param(call(region=["us"]), said(mcp_param_region="us"), id="an item of a list"),
        pytest.param(call(region=None), said(mcp_param_region="None"), id="null"),
        pytest.param(call(on=True), said(mcp_param_on="True"), id="true in Python's spelling"),
        pytest.param(call(on=True), said(mcp_param_on="1"), id="true as a number"),
        pytest.param(call(), said(mcp_param_region="us"), id="an argument that is not there"),
        pytest.param(call(x="é"), said(mcp_param_x="é"), id="a byte beyond ASCII"),
        pytest.param(call(x="caf\xe9"), said(mcp_param_x="caf\xe9"), id="one at the end"),
        pytest.param(call(x=UNCODED), said(mcp_param_x=UNCODED), id="no base 64 in the body too"),
        pytest.param(call(x="eu"), said(mcp_param_x=coded("eu") + "x"), id="more than base 64"),
        pytest.param(call(x=42), said(mcp_param_x="43"), id="another number"),
        pytest.param(call(x=42), said(mcp_param_x="42x"), id="more than a number"),
        pytest.param(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": call()["params"]},
            said(mcp_method="tools/list", mcp_name="run_sql"),
            id="a name where none is",
        ),
        pytest.param(call(None), said("2025-11-25", mcp_name="other"), id="an older version"),
    ],
)
def test_a_field_that_says_something_else_is_refused(
    body: Any, fields: list[tuple[str, str]]
) -> None:
    with pytest.raises(HeaderMismatch):
        mirror(body, fields)


def test_older_versions_need_no_fields() -> None:
    assert mirror(call(None), []) == []
    assert mirror(call(None), [("mcp-protocol-version", "2025-11-25")]) == []


def test_a_method_that_names_nothing_needs_no_name() -> None:
    params = {"": "x", "_meta": {VERSION_KEY: MODERN}}
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
    fields = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")]
    assert mirror(listing, fields) == fields[1:]


def test_a_notification_needs_none_either() -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert mirror(told, [("mcp-protocol-version", MODERN)]) == []


@pytest.mark.parametrize(
    "version", ["", "zzz", "2026-07-28 ", "2026-7-28", "2026-07-28, 2025-11-25"]
)
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(BadRequest):
        mirror(call(None), [("mcp-protocol-version", version)])


def test_two_versions_are_refused() -> None:
    with pytest.raises(BadRequest):
        mirror(call(), [*said(), ("mcp-protocol-version", MODERN)])


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", MODERN, "2030-01-01"])
def test_a_batch_is_refused_where_there_are_none(version: str) -> None:
    with pytest.raises(BadRequest):
        mirror([call(None)], [("mcp-protocol-version", version)])


def test_a_batch_passes_where_there_were_some() -> None:
    assert mirror([call(None)], [("mcp-protocol-version", "2025-03-26")]) == []
    assert mirror([call(None)], []) == []
    with pytest.raises(BadRequest):
        mirror([call(None)], [("mcp-name", "run_sql")])


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_versions_with_sessions_need_no_fields(version: str) -> None:
    for written in (None, version):
        assert mirror(call(written), [("mcp-protocol-version", version)]) == []


def test_clients_of_the_new_era_answer_nothing() -> None:
    with pytest.raises(BadRequest):
        mirror({"jsonrpc": "2.0", "id": 1, "result": {}}, [("mcp-protocol-version", MODERN)])


@given(st.text(), st.text())
def test_only_the_very_value_passes(value: str, other: str) -> None:
    body = call(region=value)
    try:
        passed = mirror(body, said(mcp_param_region=coded(other)))
    except HeaderMismatch:
        assert other != value
    else:
        assert other == value
        assert passed


ANSWER = {"jsonrpc": "2.0", "id": 1, "result": {}}


def test_clients_of_the_old_era_answer() -> None:
    assert mirror(ANSWER, [("mcp-protocol-version", "2025-11-25")]) == []
    with pytest.raises(HeaderMismatch):
        mirror(ANSWER, [("mcp-protocol-version", "2025-11-25"), ("mcp-name", "run_sql")])


def test_an_answer_is_none_even_where_it_says_its_version() -> None:
    saying = ANSWER | {"params": {"_meta": {VERSION_KEY: MODERN}}}
    with pytest.raises(BadRequest) as raised:
        mirror(saying, [("mcp-protocol-version", MODERN)])
    assert raised.type is BadRequest


@pytest.mark.parametrize("version", ["zzz", "2026-07-28x", "2025-11-25 "])
def test_what_only_begins_like_a_version_is_none(version: str) -> None:
    with pytest.raises(BadRequest) as raised:
        mirror(call(version), [("mcp-protocol-version", version)])
    assert raised.type is BadRequest


def test_base_64_with_something_in_between_is_none() -> None:
    name = coded("run_sql")
    with pytest.raises(HeaderMismatch):
        mirror(call(), said(mcp_name=name.replace("X", "!X")))


def test_false_is_written_as_json_writes_it() -> None:
    assert mirror(call(on=False), said(mcp_param_on="false"))
    with pytest.raises(HeaderMismatch):
        mirror(call(on=False), said(mcp_param_on="true"))


def test_arguments_are_gone_through_once_however_many_fields_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """N-14, N-22: ninety fields over a mebibyte of arguments took twelve seconds."""
    looked_at = 0
    scalars = module._scalars

    def counted(value: Any) -> Any:
        nonlocal looked_at
        looked_at += 1
        return scalars(value)

    monkeypatch.setattr(module, "_scalars", counted)
    many = {f"a{number}": number for number in range(1000)}
    fields = [("mcp-protocol-version", "2025-11-25")]
    fields += [(f"mcp-param-{number}", str(number)) for number in range(90)]
    assert len(mirror(call(None, **many), fields)) == 90
    assert looked_at == 1 + len(many)
    with pytest.raises(HeaderMismatch):
        mirror(call(None, **many), [*fields, ("mcp-param-x", "1000")])


def test_the_field_called_like_the_argument_says_who_it_is_in_any_case() -> None:
    fields = [(b"mcp-param-f-or", b"bob"), (b"mcp-param-note", b"bob"), (b"mcp-name", b"bob")]
    message = call(**{"for": "\xe4lice", "note": "bob"})
    told = list(of_user(fields, message, "for", "\xe4lice"))
    assert told == [(b"mcp-param-f-or", coded("\xe4lice").encode())]
