import pytest

from gateway.authn.org_from import asked_for, check_org_place, field_of
from gateway.core.errors import BadRequest

PLACES = ("field:x-org-id", "field:x-tenant")


def test_an_org_is_named_in_a_field():
    assert check_org_place("field:x-org-id") == "field:x-org-id"
    assert field_of("field:x-org-id") == b"x-org-id"


@pytest.mark.parametrize(
    "place",
    [
        *("x-org-id", "authorization", "cookie:org", "query:org", "field:", "field:X-Org"),
        *("field:a_b", "field:authorization", "field:cookie", "field:host"),
    ],
)
def test_and_nowhere_else(place: str):
    with pytest.raises(ValueError, match="from"):
        check_org_place(place)


@pytest.mark.parametrize(
    ("fields", "org"),
    [
        ([], None),
        ([(b"x-other", b"a")], None),
        ([(b"x-org-id", b"a")], "a"),
        ([(b"x-tenant", b"a")], "a"),
        ([(b"x-org-id", b"a"), (b"x-tenant", b"a")], "a"),
        ([(b"x-org-id", b"")], ""),
        ([(b"x-org-id", b"\xe4")], "\xe4"),
    ],
)
def test_a_request_names_one_or_none(fields: list[tuple[bytes, bytes]], org: str | None):
    assert asked_for(fields, PLACES) == org


@pytest.mark.parametrize(
    "fields",
    [
        [(b"x-org-id", b"a"), (b"x-tenant", b"b")],
        [(b"x-org-id", b"a"), (b"x-tenant", b"A")],
        [(b"x-org-id", b"a"), (b"x-tenant", b"")],
        [(b"x-org-id", b"a"), (b"x-org-id", b"a")],
    ],
)
def test_one_that_names_two_is_refused(fields: list[tuple[bytes, bytes]]):
    """Row O-02."""
    with pytest.raises(BadRequest):
        asked_for(fields, PLACES)
