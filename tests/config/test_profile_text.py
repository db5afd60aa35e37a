import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.load import from_dict
from gateway.config.profile_text import profile_table
from gateway.config.spelling import sections
from gateway.core.profile.vendor import Operation, ProblemShape, Vendor
from gateway.vendors import VENDORS
from tests.config.test_vendors import MADE

AROUND = {
    "sign_in": {"issuer": "https://id.example/", "audience": "chat"},
    "upstreams": {"support": {"vendor": "chatbase", "key": "k", "agent": "a"}},
}


def profile_text(vendor: Vendor, name: str) -> str:
    """`[vendors.NAME]`, whole."""
    return "\n".join(sections(("vendors", name), profile_table(vendor)))


def read(text: str) -> Vendor:
    """The one profile of a text."""
    (name,) = tomllib.loads(text)["vendors"]
    found = from_dict(AROUND | tomllib.loads(text), environment={}).settings.profiles[name]
    return replace(found, name="")


@pytest.mark.parametrize("vendor", [*VENDORS.values(), MADE], ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("name", ["mine", "my.own", "7"])
def test_what_is_printed_and_read_again_is_equal(vendor: Vendor, name: str):
    assert read(profile_text(vendor, name)) == replace(vendor, name="")


@pytest.mark.parametrize("vendor", [*VENDORS.values(), MADE], ids=lambda vendor: vendor.name)
def test_operations_keep_their_order(vendor: Vendor):
    assert list(read(profile_text(vendor, "mine")).operations) == list(vendor.operations)


def test_what_says_nothing_has_no_line():
    ping = Operation(method="GET", path="/ping")
    vendor = Vendor(
        name="x", title="x", base_url=None, fields={}, user_id="a", operations={"ping": ping}
    )
    assert profile_text(vendor, "mine") == (
        '[vendors.mine]\ntitle = "x"\nuser_id = "a"\n'
        'operations = { ping = { method = "GET", path = "/ping" } }\n'
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2**53)
    | st.text(st.characters(exclude_characters="{")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.from_regex(r"[ -~]{1,20}\$\{[a-z]{1,3}\}?", fullmatch=True),
    st.dictionaries(st.text(min_size=1), JSON, min_size=1),
)
def test_any_text_survives(title: str, reason: str, body: dict[str, object]):
    """`${` is no reference, null no string, and no control character an end."""
    ping = Operation(method="GET", path="/ping", no_conversation=reason)
    shape = ProblemShape(body=body)  # type: ignore[arg-type]
    vendor = replace(MADE, title=title, operations={"ping": ping}, problem=shape, lookup=None)
    assert read(profile_text(vendor, "mine")) == replace(vendor, name="")


def test_an_order_that_decides_is_kept_when_some_are_longer_than_a_line():
    short, long = Operation(method="GET", path="/a"), Operation(method="GET", path="/" + "b" * 90)
    operations = {"a": short, "b": long, "c": replace(short, path="/c")}
    text = profile_text(replace(MADE, operations=operations, lookup=None), "mine")
    assert list(read(text).operations) == ["a", "b", "c"]
    assert profile_table(MADE)["operations"]["ping"] == {"method": "GET", "path": "/api/ping"}
