import pytest

from gateway.authn import seen as module
from gateway.authn.seen import SeenLately
from gateway.core.people.identity import Identity, Person


def test_roles_are_those_that_were_said_last() -> None:
    seen = SeenLately()
    for roles in (("staff", "admin"), ("staff",)):
        seen.note(Identity("org_1", "alice", roles=roles))
    assert seen.identity(Person("org_1", "alice")) == Identity("org_1", "alice", roles=("staff",))


def test_of_a_stranger_only_the_name_is_known() -> None:
    seen = SeenLately()
    seen.note(Identity("org_1", "alice", roles=("staff",)))
    assert seen.identity(Person("org_2", "alice")) == Identity("org_2", "alice")


def test_of_more_people_than_are_remembered_those_who_came_last_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    seen = SeenLately()
    for subject in ("alice", "bob", "alice", "carol"):
        seen.note(Identity("org_1", subject, roles=("staff",)))
    known = [bool(seen.identity(Person("org_1", name)).roles) for name in ("alice", "bob", "carol")]
    assert known == [True, False, True]


def test_those_without_roles_displace_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    seen = SeenLately()
    seen.note(Identity("org_1", "alice", roles=("staff",)))
    for number in range(5):
        seen.note(Identity("org_1", f"anon_{number}"))
    assert seen.identity(Person("org_1", "alice")).roles == ("staff",)


def test_who_has_lost_their_roles_has_none() -> None:
    seen = SeenLately()
    seen.note(Identity("org_1", "alice", roles=("staff",)))
    seen.note(Identity("org_1", "alice"))
    assert seen.identity(Person("org_1", "alice")).roles == ()
