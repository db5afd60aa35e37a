"""What is kept of a logout, whom it is about, and when nobody knows."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.assemble.signing_out import BackChannel, StillIn, realm_of
from gateway.authn.keys import shared_secrets
from gateway.authn.logout_token import LogoutRules, LogoutTokens
from gateway.core.errors import (
    BadRequest,
    Blocked,
    CredentialsExpired,
    KeysUnavailable,
    LedgerUnavailable,
)
from gateway.core.people.identity import Identity, Session
from gateway.ports import Admission, Record
from gateway.store import cutoffs as cutoffs_module
from gateway.store.store import Store
from tests.support.logouts import logout_token
from tests.support.stores import laid
from tests.support.tokens import Issuer

pytestmark = pytest.mark.anyio

ISSUER = Issuer()
ACME = realm_of("acme", ISSUER.url)


class Audit:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def note(self, event: str, record: Record) -> None:
        self.told.append((event, record.org_id, record.subject))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    one = await Store.open(laid(f"sqlite:///{tmp_path}/gateway.db"))
    await one.cutoffs.look()
    yield one
    await one.aclose()


def tokens(realm: str = ACME) -> LogoutTokens:
    rules = LogoutRules(realm=realm, issuer=ISSUER.url, clients=("gateway",), algorithms=("HS256",))
    return LogoutTokens(rules, shared_secrets([ISSUER.secret], ("HS256",)), clock=ISSUER.clock)


def listening(store: Store, *realms: str) -> tuple[BackChannel, Audit]:
    audit = Audit()
    channel = BackChannel(store, audit)
    for realm in realms or (ACME,):
        channel.listen(tokens(realm), oldest=3600)
    return channel, audit


async def tell(channel: BackChannel, **claims: Any) -> None:
    await channel.tell(logout_token(ISSUER, **claims), Record("r1", "POST", 0.0))


def session(realm: str = ACME, *, issued_at: float | None = None) -> Session:
    return Session(realm, "alice", None, ISSUER.clock() - 5 if issued_at is None else issued_at)


async def test_what_ends_is_what_was_issued_no_later(store: Store) -> None:
    channel, audit = listening(store)
    at = int(ISSUER.clock()) - 3
    await tell(channel, iat=at)
    with pytest.raises(CredentialsExpired):
        channel.ended.check(session(issued_at=at))
    channel.ended.check(session(issued_at=at + 0.001))
    assert audit.told == [("signed_out", "acme", "alice")]


async def test_a_word_counts_for_all_whose_issuer_it_is_and_for_nobody_else(store: Store) -> None:
    """Row W-07: an org that has the same issuer, and one that is called alike."""
    shared, other = realm_of("", ISSUER.url), realm_of("acme", "https://other.example/")
    channel, audit = listening(store, ACME, shared)
    await tell(channel)
    for realm in (ACME, shared):
        with pytest.raises(CredentialsExpired):
            channel.ended.check(session(realm))
    channel.ended.check(session(other))
    channel.ended.check(session(realm_of("globex", ISSUER.url)))
    assert [org for _, org, _ in audit.told] == ["acme", ""]


@pytest.mark.parametrize(
    ("one", "other"), [(("a", "b c"), ("a b", "c")), (('a", "b', "c"), ("a", 'b", "c'))]
)
def test_no_two_make_one_realm(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert realm_of(*one) != realm_of(*other)


async def test_whoever_is_let_go_of_is_not_believed_any_more(store: Store) -> None:
    channel = BackChannel(store, Audit())
    stop = channel.listen(tokens(), oldest=60)
    await tell(channel, jti="1")
    stop()
    with pytest.raises(BadRequest):
        await tell(channel, jti="2")


async def test_what_is_remembered_of_an_org_is_forgotten_and_of_others_not(store: Store) -> None:
    channel, _ = listening(store)
    forgotten: list[str] = []
    stop = channel.when_ended("acme", lambda: forgotten.append("acme"))
    channel.when_ended("globex", lambda: forgotten.append("globex"))
    await tell(channel, jti="1")
    assert forgotten == ["acme"]
    stop()
    await tell(channel, jti="2", iat=int(ISSUER.clock()) + 1)
    assert forgotten == ["acme"]


async def test_after_a_time_without_the_store_all_may_have_signed_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, _ = listening(store)
    channel.ended.check(session())
    forgotten: list[str] = []
    channel.when_ended("acme", lambda: forgotten.append("acme"))
    monkeypatch.setattr(cutoffs_module, "STALE", -1.0)
    monkeypatch.setattr(cutoffs_module, "SETTLED", -1.0)
    with pytest.raises(KeysUnavailable):
        channel.ended.check(session())
    await store.cutoffs.look()
    assert forgotten == ["acme"]


async def test_a_word_that_cannot_be_kept_is_to_be_said_again(store: Store) -> None:
    channel, audit = listening(store)
    await store.aclose()
    with pytest.raises(LedgerUnavailable):
        await tell(channel)
    assert audit.told == []


async def test_who_goes_on_is_who_may_come_and_is_signed_in(store: Store) -> None:
    channel, _ = listening(store)
    await tell(channel)

    def check(identity: Identity, *, since: float | None) -> None:
        if identity.subject == "mallory":
            raise Blocked

    still_in = StillIn(cast("Admission", SimpleNamespace(check=check)), channel.ended)
    still_in.check(Identity("acme", "alice"))
    with pytest.raises(CredentialsExpired):
        still_in.check(Identity("acme", "alice", session=session()))
    with pytest.raises(Blocked):
        still_in.check(Identity("acme", "mallory"))
