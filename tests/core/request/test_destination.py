import pytest

from gateway.core.errors import IdentityNotRepresentable
from gateway.core.people.identity import Identity
from gateway.core.profile.vendor import Operation, Vendor
from gateway.core.request.destination import Destination, roles_as_json, visible

ALICE = Identity("acme", "alice", roles=("staff",))


def destination(templates: dict[str, str], **parts: object) -> Destination:
    operations = {"ping": Operation(method="GET", path="/ping")}
    vendor = Vendor(
        name="shop",
        title="Shop",
        base_url=None,
        fields=templates,
        user_id=".+",
        operations=operations,
    )
    return Destination(vendor=vendor, **{"user_header": "", **parts})  # type: ignore[arg-type]


def written(
    to: Destination, identity: Identity = ALICE, key: str = "k-1", but: tuple[bytes, ...] = ()
) -> dict[bytes, bytes]:
    fields = {b"x-plan": b"said"}
    to.write(fields, identity=identity, user=f"u-{identity.subject}", key=key, but=but)
    return fields


def test_each_request_has_its_own_words_and_its_own_key() -> None:
    shop = destination({"authorization": "Bearer {key}", "x-who": "{org}/{subject}/{user}"})
    bob = Identity("acme", "bob")
    for _ in range(2):
        for identity, key in ((ALICE, "k-1"), (bob, "k-2"), (bob, "k-1")):
            assert written(shop, identity, key) == {
                b"x-plan": b"said",
                b"authorization": b"Bearer " + key.encode(),
                b"x-who": f"acme/{identity.subject}/u-{identity.subject}".encode(),
            }


def test_what_one_request_writes_is_not_in_the_next() -> None:
    shop = destination({"authorization": "Bearer {key}"})
    written(shop)[b"authorization"] = b"changed"
    assert written(shop)[b"authorization"] == b"Bearer k-1"


def test_a_word_in_a_word_stays_as_it_is_and_so_does_a_percent_sign() -> None:
    shop = destination({"x-a": "100%s {subject} %(key)s", "x-b": "50% {key}"})
    said = written(shop, Identity("acme", "{key}%(user)s"))
    assert said[b"x-a"] == b"100%s {key}%(user)s %(key)s"
    assert said[b"x-b"] == b"50% k-1"


def test_the_orgs_own_fields_win_and_the_field_of_the_user_wins_over_all() -> None:
    shop = destination(
        {"x-plan": "free", "x-user": "{key}"},
        fields={"x-plan": "pro"},
        user_header="x-user",
    )
    assert written(shop) == {b"x-plan": b"pro", b"x-user": b"u-alice"}


@pytest.mark.parametrize("template", ["pro", "{key}", "{subject}"])
def test_what_a_client_may_choose_is_left_to_it(template: str) -> None:
    assert written(destination({"x-plan": template}), but=(b"x-plan",)) == {b"x-plan": b"said"}


def test_without_a_key_nothing_is_said_of_one() -> None:
    shop = destination({"authorization": "Bearer {key}", "x-a": "{key}{user}", "x-b": "b"})
    assert written(shop, key="") == {b"x-plan": b"said", b"x-b": b"b"}


@pytest.mark.parametrize("key", ["k\n", " k", "k\u00e9"])
def test_what_no_field_can_hold_is_refused_each_time(key: str) -> None:
    for template in ("{key}", "{key}{user}"):
        shop = destination({"x-a": template})
        for _ in range(2):
            with pytest.raises(IdentityNotRepresentable):
                written(shop, key=key)


def test_roles_are_ascii_json_and_halves_of_pairs_cannot_be_said() -> None:
    assert roles_as_json(("a", 'b"', "\u00e9")) == '["a","b\\"","\\u00e9"]'
    assert roles_as_json(()) == "[]"
    with pytest.raises(IdentityNotRepresentable):
        visible(roles_as_json(("\ud800",)))


def test_what_the_server_decides_is_parsed_once() -> None:
    shop = destination({}, decided={"/a/b": 1})
    assert shop.decisions == ((("a", "b"), 1),)
    assert shop.decisions is shop.decisions


def test_where_nothing_is_configured_the_user_has_a_field_and_paths_stay_as_they_are() -> None:
    shop = Destination(vendor=destination({}).vendor)
    assert written(shop) == {b"x-plan": b"said", b"x-external-user-id": b"u-alice"}
    assert (shop.base_path, shop.via) == ("", "1.1 gateway")
