"""How many connections a configuration lets lead out: so many descriptors no client may have."""

import math
from typing import Any

import pytest

from gateway.assemble.outward import POOLS, SHARED, Outward, most_outward
from gateway.assemble.tools import AT_ONCE
from gateway.config.load import from_dict
from gateway.config.model import Settings

TOOL = {
    "url": "https://shop.example/tool",
    "user": "body:/user",
    "conversation": "body:/conversation",
    "verify": {"bearer": ["t" * 32]},
}


def settings(*orgs: str, **upstream: Any) -> Settings:
    given = {"vendor": "chatbase", "key": "k", "agent": "a", **upstream}
    if given["vendor"] != "chatbase":
        del given["agent"]
    sign_in = {"issuer": "https://id.example/", "audience": "chat", "org_claim": "org"}
    tables = {name: {"upstreams": {"support": given}} for name in orgs}
    return from_dict({"sign_in": sign_in, "orgs": tables}, environment={}).settings


@pytest.mark.parametrize(
    ("upstream", "most"),
    [
        pytest.param({}, 1000, id="as many as there are exchanges"),
        pytest.param({"max_connections": 30}, 30, id="bounded"),
        pytest.param({"http2": True}, 1000 / SHARED, id="shared"),
        pytest.param({"http2": True, "max_connections": 1}, 1, id="one that is shared"),
        pytest.param({"tools": {"look": TOOL}}, 1000 + AT_ONCE, id="what the vendor calls"),
        pytest.param({"vendor": "openai"}, 2000, id="WebSockets, never shared"),
    ],
)
def test_counts_what_leads_out_of_each_org(upstream: dict[str, Any], most: int) -> None:
    assert most_outward(settings("a", "b", **upstream)) == 2 * POOLS * most


def test_orgs_that_are_not_listed_are_any_number() -> None:
    assert most_outward(settings("a", "*")) == math.inf


def test_a_reload_counts() -> None:
    served = [settings("a")]
    outward = Outward(lambda: served[-1])
    assert outward() == POOLS * 1000
    served.append(settings("a", http2=True))
    assert outward() == POOLS * 1000 / SHARED
