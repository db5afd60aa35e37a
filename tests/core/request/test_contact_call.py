from dataclasses import replace

import pytest

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.profile.contact import ContactBook
from gateway.core.profile.operation import Operation
from gateway.core.profile.vendor import Vendor
from gateway.core.request.contact_call import back_office, plan_call
from gateway.core.request.destination import Destination

VENDOR = Vendor(
    name="mine",
    title="Mine",
    base_url=None,
    fields={"authorization": "Bearer {key}", "x-org": "{org}", "x-user": "{user}"},
    user_id=".*",
    operations={"ping": Operation(method="GET", path="/ping")},
)
DESTINATION = Destination(
    vendor=VENDOR,
    base_path="/base",
    fields={"x-plan": "pro", "x-roles": "{roles}", "x-subject": "-{subject}-"},
    decided={"/*": "x", "/stream": True},
    default_roles=("employee",),
)


def test_the_back_office_is_called_for_nobody() -> None:
    request = plan_call(
        back_office(DESTINATION),
        "POST",
        "/agents/{agent}/contacts",
        "a1",
        {"users": [{"id": "alice"}]},
        org="org_1",
        key="k",
        request_id="r",
    )
    assert request.target == "/base/agents/a1/contacts"
    assert request.content == b'{"users":[{"id":"alice"}]}'
    fields = {name.decode(): value.decode() for name, value in request.fields}
    assert fields == {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "chat-identity-gateway",
        "x-request-id": "r",
        "via": "1.1 gateway",
        "authorization": "Bearer k",
        "x-org": "org_1",
        "x-plan": "pro",
    }


def test_what_is_asked_has_no_body() -> None:
    office = back_office(DESTINATION)
    request = plan_call(office, "GET", "/c", "", None, org="o", key="k", request_id="r")
    assert (request.method, request.target, request.content) == ("GET", "/base/c", None)


def test_one_contact_stands_below_all() -> None:
    request = plan_call(
        DESTINATION,
        "DELETE",
        "/c/{agent}",
        "a1",
        None,
        org="o",
        key="k",
        request_id="r",
        contact="7",
    )
    assert request.target == "/base/c/a1/7"


@pytest.mark.parametrize("contact", ["", ".", "..", "a/b", "a?b", "a%2Fb", "a b", "7\n", "\n"])
def test_an_id_that_is_no_segment_has_no_place_in_a_path(contact: str) -> None:
    with pytest.raises(IdentityNotRepresentable):
        plan_call(
            DESTINATION, "GET", "/c", "", None, org="o", key="k", request_id="r", contact=contact
        )


@pytest.mark.parametrize("contact", ["fields", "Fields", "everybody"])
def test_an_id_that_spells_another_call_has_none_either(contact: str) -> None:
    """P-11."""
    book = ContactBook(path="/c", definitions="/c/fields", user="id", removes=True)
    vendor = replace(VENDOR, contacts=book, closed=("/c/everybody",))
    office = back_office(replace(DESTINATION, vendor=vendor))
    with pytest.raises(IdentityNotRepresentable):
        plan_call(
            office, "DELETE", "/c", "", None, org="o", key="k", request_id="r", contact=contact
        )
