import pytest

from gateway.core.people.identity import Identity
from gateway.vendors.external_user_id import VENDOR
from tests.support.asking import ask, sent


def test_end_users_may_do_this_and_no_more() -> None:
    assert list(VENDOR.operations) == ["chat", "stream", "conversations", "conversation"]


@pytest.mark.parametrize("name", VENDOR.operations)
def test_every_request_says_who_asks_in_three_fields(name: str) -> None:
    variables = {"conversation": "c-1"}
    asked = ask(VENDOR.operations[name], {"message": "x"}, variables=variables)
    identity = Identity("org_1", "alice", roles=("employee", "a,b"))
    request = sent(asked, identity=identity, vendor_fields=VENDOR.fields)
    fields = dict(request.fields)
    assert fields[b"authorization"] == b"ApiKey sk_vendor_1"
    assert fields[b"x-external-org-id"] == b"org_1"
    assert fields[b"x-external-user-id"] == b"alice"
    assert fields[b"x-external-roles"] == b'["employee","a,b"]'


def test_the_vendor_is_told_the_org_and_the_roles() -> None:
    assert VENDOR.told_org
    assert VENDOR.told_roles


@pytest.mark.parametrize(
    "subject", ["user_12345", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "a@b.example", "alice.smith"]
)
def test_the_ids_its_guide_calls_good_are_sent_as_they_are(subject: str) -> None:
    asked = ask(VENDOR.operations["conversations"])
    request = sent(asked, user=subject, vendor_fields=VENDOR.fields)
    assert dict(request.fields)[b"x-external-user-id"] == subject.encode()
