from gateway.config.sign_ins.jwt import SharedJwtSignInSettings
from gateway.config.vouching import Vouching


def vouching(*orgs: tuple[str, ...]) -> Vouching:
    return Vouching(
        [SharedJwtSignInSettings(issuer="https://id.example/", orgs=one) for one in orgs]
    )


def test_naming_an_org_says_who_alone_may_vouch_for_it():
    found = vouching(("*",), ("a", "b"), ("b",))
    assert [list(found.of(org)) for org in ("a", "b", "c", "*")] == [[1], [1, 2], [0], [0]]


def test_where_nobody_is_there_for_all_others_nobody_is():
    found = vouching(("a",), ("b",))
    assert list(found.of("c")) == []


def test_those_who_may_vouch_for_orgs_that_are_not_listed():
    found = vouching(("*", "a"), ("a", "far"), ("b",))
    assert list(found.beyond({"a", "b"})) == [0, 1]
    assert list(vouching(("a",)).beyond({"a"})) == []
