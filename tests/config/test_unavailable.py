import pytest

from gateway.config.unavailable import (
    NOT_YET,
    NotYet,
)
from gateway.config.written import keys_of, table_at
from tests.config.conftest import Told

PLACES = {
    "file": ("{key} = {value}\n{rest}", ""),
    "server": ("server = {{ {key} = {value} }}\n{rest}", "server."),
    "store": ("store = {{ {key} = {value} }}\n{rest}", "store."),
    "org": ("orgs.acme.{key} = {value}\n{rest}", "orgs.acme."),
    "sign_in": ("{rest}sign_in.{key} = {value}\n", "sign_in."),
    "upstream": ("upstreams.support.{key} = {value}\n{rest}", "upstreams.support."),
}
REST = """\
upstreams.support.vendor = "chatbase"
upstreams.support.key = "${env:KEY}"
upstreams.support.agent = "a"
sign_in.issuer = "https://id.example/"
sign_in.audience = "chat"
"""
OF_AN_ORG = """\
orgs.acme.upstreams.support = { vendor = "chatbase", key = "${env:KEY}", agent = "a" }
orgs.acme.sign_in = { issuer = "https://id.example/", audience = "chat" }
"""


def written(row: NotYet, value: str) -> str:
    text, _ = PLACES[row.scope]
    rest = OF_AN_ORG if row.scope == "org" else REST
    return text.format(key=row.key, value=value, rest=rest)


@pytest.mark.parametrize("row", NOT_YET, ids=lambda row: f"{row.scope}.{row.key}")
def test_a_key_whose_feature_is_not_there_is_a_mistake_of_its_own(row: NotYet, told: Told):
    (said,) = told(written(row, '"on"'))
    assert f"error  {PLACES[row.scope][1]}{row.key}: " in said
    assert said.endswith("is not available yet")


def test_a_feature_that_is_there_has_no_row():
    tables = {
        "file": (),
        "server": ("server",),
        "store": ("store",),
        "org": ("orgs", "x"),
        "sign_in": ("sign_in",),
        "upstream": ("upstreams", "x"),
    }
    for row in NOT_YET:
        table = table_at(tables[row.scope])
        assert table is not None
        assert row.key not in keys_of(table), f"{row.scope}.{row.key}"
