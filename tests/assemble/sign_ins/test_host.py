"""Settings of a sign-in by the application → what asks it."""

import pytest

from gateway.assemble.host import Host
from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import build_sign_in
from gateway.assemble.sign_ins.making import Making
from gateway.authn.host import HostScope
from gateway.authn.verifier import Credential
from gateway.config.sign_ins.host import HostSignInSettings
from gateway.core.people.identity import Vouched
from tests.authn.test_host import Hosted

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("org", [True, False])
@pytest.mark.parametrize("cookies", [True, False])
async def test_asks_the_application_it_stands_in(org: bool, cookies: bool) -> None:
    making = Making(parts=Parts(), vendors=(), host=Host(identify=lambda connection: "alice"))
    settings = HostSignInSettings(type="host", org=org, cookies=cookies)
    made = build_sign_in(settings, making)
    vouched = await made.verify(Credential(HostScope(True), "", Hosted()))
    assert vouched == Vouched("alice", orgs=frozenset() if org else None)
    assert any(place.is_cookie for place in made.places) == cookies
    assert (made.names_orgs_by is not None) == org
