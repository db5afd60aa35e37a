"""One gateway with an org for each framework, and the frameworks' apps, for a whole run."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.sessions.frameworks import FRAMEWORKS, Framework
from tests.support.chatbase import Chatbase
from tests.support.host_apps import node_host, python_host
from tests.support.stage import Stage, gateway_of
from tests.support.tokens import Issuer


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """As everywhere; for all files here, so that they share a loop."""
    return "asyncio"


@pytest.fixture(params=FRAMEWORKS, ids=lambda one: one.name)
def framework(request: pytest.FixtureRequest) -> Framework:
    return request.param


@pytest.fixture(scope="package")
def apps() -> Iterator[Callable[[Framework], str]]:
    """Starts an app when it is first asked for; whatever the order of tests, each starts once."""
    running: dict[str, str] = {}

    def url_of(framework: Framework) -> str:
        if framework.name not in running:
            start = node_host if framework.is_node else python_host
            running[framework.name] = stack.enter_context(start(framework.app))
        return running[framework.name]

    with ExitStack() as stack:
        yield url_of


@pytest.fixture
def app(framework: Framework, apps: Callable[[Framework], str]) -> str:
    """The framework's own app, running."""
    return apps(framework)


@pytest.fixture(scope="package")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    """Orgs at /starlette, /flask and so on, each with a session and a JWT to sign in by."""
    folder = tmp_path_factory.mktemp("sessions")
    issuer = Issuer()
    async with Chatbase() as vendor:
        text = f'[store]\nurl = "sqlite:///{folder}/gateway.db"\n'
        for one in FRAMEWORKS:
            org = f"orgs.{one.name}"
            text += f'[{org}]\npath = "/{one.name}"\n'
            token = {"audience": issuer.audience, "secret": issuer.secret}
            token["issuer"] = f"{issuer.url}{one.name}"
            for sign_in in (one.sign_in, token):
                text += f"[[{org}.sign_in]]\n"
                text += "".join(f"{key} = {json.dumps(it)}\n" for key, it in sign_in.items())
            text += f"[{org}.upstreams.support]\n"
            upstream = {"vendor": "chatbase", "base_url": vendor.url, "key": "cb-key"}
            upstream |= {"agent": "agent_1", "user_id": "opaque"}
            text += "".join(f"{key} = {json.dumps(it)}\n" for key, it in upstream.items())
        async with gateway_of(text, folder) as (gateway, url):
            yield Stage(vendor, gateway, issuer, url, "")


@pytest.fixture
def stage(shared: Stage[Chatbase]) -> Stage[Chatbase]:
    shared.vendor.handler = shared.vendor.answer
    shared.vendor.forget()
    return shared
