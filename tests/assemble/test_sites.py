"""Where orgs stand, in constant time; what is answered there is in tests/orgs/test_site.py."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.assemble import assemble
from gateway.config.load import from_dict
from gateway.core.errors import MisdirectedRequest
from gateway.core.request.directory import Directory
from gateway.orgs.site import OneOrg, SeveralOrgs, Site

pytestmark = pytest.mark.anyio

SHARED = {"issuer": "https://id.example/", "audience": "chat", "org_claim": "org"}
UPSTREAMS = {"support": {"vendor": "chatbase", "key": "k", "agent": "a"}}


@asynccontextmanager
async def sites(folder: Path, orgs: Mapping[str, Any]) -> AsyncIterator[Directory[Site]]:
    config = {
        "store": {"url": f"sqlite:///{folder}/gateway.db"},
        "identity": {"secret": "identity-secret-for-tests-only-32b"},
        "sign_in": SHARED,
        "orgs": {name: {"upstreams": UPSTREAMS, **org} for name, org in orgs.items()},
    }
    async with assemble(from_dict(config, environment={}).settings) as assembled:
        yield assembled.house.sites


async def test_an_org_alone_at_a_place_is_found_by_it(tmp_path: Path) -> None:
    orgs = {"a": {"hosts": ["a.test"]}, "b": {"hosts": ["b.test"], "path": "/b"}}
    async with sites(tmp_path, orgs) as found:
        site, below = found.find("a.test", ("support", "x"))
        assert isinstance(site, OneOrg)
        assert (site.org.name, below) == ("a", ("support", "x"))
        with pytest.raises(MisdirectedRequest):
            found.find("c.test", ())


async def test_those_at_one_place_are_found_together(tmp_path: Path) -> None:
    orgs = {
        "a": {"hosts": ["x.test", "y.test"], "external_id": "org_a", "origins": ["https://a.test"]},
        "b": {"hosts": ["y.test", "z.test"], "origins": ["https://b.test"]},
        "*": {"hosts": ["z.test", "w.test"], "origins": ["https://c.test"]},
    }
    async with sites(tmp_path, orgs) as found:
        alone, both, open_, others = (
            found.find(f"{host}.test", ())[0] for host in ("x", "y", "z", "w")
        )
        assert isinstance(alone, OneOrg)
        assert isinstance(both, SeveralOrgs)
        assert isinstance(open_, SeveralOrgs)
        assert isinstance(others, SeveralOrgs)
        assert [set(one.listed) for one in (both, open_, others)] == [{"org_a", "b"}, {"b"}, set()]
        assert ["new" in one.others for one in (both, open_, others)] == [False, True, True]
        assert not any(name in others.others for name in ("a", "b", "org_a", "*"))
        assert both.origins == {"https://a.test", "https://b.test"}
        assert open_.others is others.others  # one org, at whichever of its hosts
        assert both.listed["org_a"] is alone.org


async def test_orgs_that_are_alike_at_a_path_are_looked_at_once(tmp_path: Path) -> None:
    orgs = {name: {} for name in "abcdef"}
    async with sites(tmp_path, orgs) as found:
        site, _ = found.find(None, ())
        assert isinstance(site, SeveralOrgs)
        mount = site.mounts["support",]
        assert (len(mount.tables), len(mount.problems)) == (1, 1)


async def test_many_orgs_are_as_quickly_found_as_few(tmp_path: Path) -> None:
    """N-17, and 1.1 times the cost of one org by PERFORMANCE.md; here with room for noise."""

    async def cost(number: int) -> float:
        folder = tmp_path / str(number)
        folder.mkdir()
        orgs = {f"o{one}": {"hosts": [f"o{one}.test"]} for one in range(number)}
        async with sites(folder, orgs) as found:
            host, path = f"o{number - 1}.test", ("support", "api", "v2")
            return min(_seconds(lambda: found.find(host, path)) for _ in range(5))

    assert await cost(2000) < 3 * await cost(1)


def _seconds(call: Any) -> float:
    started = time.process_time()
    for _ in range(5000):
        call()
    return time.process_time() - started
