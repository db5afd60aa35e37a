import json

import pytest

from gateway.store.reports import Filter
from gateway.store.store import Store
from gateway.store.trace import leave_trace
from tests.store.conftest import Direct

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]

SEEN = "SELECT org, event, subject, actor, detail FROM audit ORDER BY number"


async def test_who_looks_at_what_is_on_the_disk(store: Store, direct: Direct) -> None:
    asked = Filter(org="acme", user="alice", since=7)
    await leave_trace(store.database, "looked_up", "usage", asked, who="operator:x", by="day")
    ((*known, detail),) = direct(SEEN)
    assert known == ["acme", "looked_up", "alice", "operator:x"]
    assert json.loads(detail) == {"what": "usage", "since": 7, "by": "day"}


async def test_whoever_looks_at_all_of_it_names_no_org(store: Store, direct: Direct) -> None:
    await leave_trace(store.database, "exported", "audit", Filter(), who="operator:x", by=None)
    assert direct(SEEN) == [("", "exported", None, "operator:x", '{"what": "audit"}')]
