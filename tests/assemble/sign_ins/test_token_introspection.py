"""A configuration → what asks about opaque tokens."""

from contextlib import aclosing

import pytest

from gateway.assemble.parts import Parts
from gateway.authn.places import Authorization, Field
from gateway.authn.token_introspection import TokenIntrospection
from gateway.core.errors import CredentialsInvalid
from gateway.core.people.identity import Vouched
from tests.assemble.sign_ins.test_introspect import built
from tests.support.ask import bearing
from tests.support.host_app import CLIENT, HostApp

pytestmark = pytest.mark.anyio


async def test_the_server_is_asked_as_configured() -> None:
    with HostApp() as server:
        said = {"active": True, "sub": "alice", "aud": "chat", "iss": "i", "scope": "x", "exp": 4e9}
        server.tokens |= {"t1": said, "t2": said | {"iss": "j"}, "t3": said | {"scope": "y"}}
        async with aclosing(Parts()) as parts:
            one = built(
                parts,
                introspection_url=server.introspect,
                client_id=CLIENT[0],
                client_secret=CLIENT[1],
                client_auth="post",
                issuer="i",
                audience="chat",
                require={"scope": "x"},
            )
            assert isinstance(one, TokenIntrospection)
            assert one.places == (Authorization(), Field("x-mine-key"))
            assert await one.verify(bearing("t1")) == Vouched("alice", expires_at=4e9)
            for other in ("t2", "t3"):
                with pytest.raises(CredentialsInvalid):
                    await one.verify(bearing(other))
        assert server.forms[0]["client_id"] == [CLIENT[0]]
