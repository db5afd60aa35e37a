"""The README's tables of vendors say of each profile what the profile says."""

from pathlib import Path

import pytest

from gateway.core.profile.place import Body, Place, Variable
from gateway.core.profile.vendor import Vendor
from gateway.pages.staff import is_reading
from gateway.vendors import VENDORS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Vendors\n")[2].partition("\n## ")[0]
EVERY = pytest.mark.parametrize("vendor", VENDORS.values(), ids=list(VENDORS))


def tables() -> list[dict[str, list[str]]]:
    """The cells of each row, by its vendor."""
    found: list[dict[str, list[str]]] = []
    for line in SECTION.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| `vendor` |"):
            found.append({})
        elif line.startswith("| `"):
            found[-1][cells[0].strip("`")] = cells[1:]
    return found


USED, BESIDE = tables()


def words(cell: str) -> list[str]:
    return [] if cell == "none" else [word.strip(" `") for word in cell.split(",")]


def named(place: Place) -> str:
    """How a cell names a place."""
    if isinstance(place, Variable):
        return "path"
    return place.pointer.strip("/") if isinstance(place, Body) else place.name


def test_each_profile_has_its_rows() -> None:
    assert list(USED) == list(BESIDE)
    assert set(USED) == set(VENDORS)


@EVERY
def test_what_is_forwarded_are_its_operations(vendor: Vendor) -> None:
    assert words(USED[vendor.name][0]) == list(vendor.operations)


@EVERY
def test_each_place_of_the_user_id_is_named(vendor: Vendor) -> None:
    cell = USED[vendor.name][1]
    assert "`x-external-user-id`" in cell  # the field that goes to every vendor
    for operation in vendor.operations.values():
        assert all(named(place) in cell for place in operation.user)
    for name, template in vendor.fields.items():
        assert "{user}" not in template or f"`{name}`" in cell


@EVERY
def test_whether_there_are_conversations_to_own(vendor: Vendor) -> None:
    owned = [one for one in vendor.operations.values() if one.conversation or one.opens or one.mcp]
    assert USED[vendor.name][2].startswith("none") is not bool(owned)
    assert USED[vendor.name][3]


@EVERY
def test_events_and_contacts_are_those_there_are(vendor: Vendor) -> None:
    events, contacts = BESIDE[vendor.name][:2]
    assert (events == "none") is (vendor.events is None)
    assert vendor.events is None or f"`{vendor.events.signature}`" in events
    assert (contacts == "none") is (vendor.contacts is None)


@EVERY
def test_the_proofs_of_its_widget_are_named(vendor: Vendor) -> None:
    assert words(BESIDE[vendor.name][2]) == list(vendor.widget)


@EVERY
def test_what_staff_may_read_is_named(vendor: Vendor) -> None:
    read = [name for name, one in vendor.operations.items() if is_reading(vendor, one)]
    assert words(BESIDE[vendor.name][3]) == read
