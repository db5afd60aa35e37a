"""What the application's `identify` says, and whom that makes of somebody."""

import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.authentication import BaseUser, SimpleUser, UnauthenticatedUser

from gateway.authn.host import HostScope, HostSignIn, Identify, Misunderstood, read
from gateway.authn.host_connection import Misplaced
from gateway.authn.verifier import Credential, Nobody
from gateway.core.errors import CredentialsExpired
from gateway.core.people.identity import Identity, Vouched
from tests.support.ask import Ask

pytestmark = pytest.mark.anyio
NOW = 1_800_000_000.0


@dataclass
class Hosted(Ask):
    """A request within an application."""

    scope: dict[str, Any] = field(default_factory=lambda: {"type": "http", "headers": []})


def sign_in(identify: Identify | None, **settings: Any) -> HostSignIn:
    return HostSignIn(identify, clock=lambda: NOW, **settings)


async def verdict(
    identify: Identify | None, scope: dict[str, Any] | None = None, **settings: Any
) -> Vouched | Nobody | None:
    ask = Hosted(scope={"type": "http", "headers": [], **(scope or {})})
    return await sign_in(identify, **settings).verify(Credential(HostScope(True), "", ask))


def says(answer: object) -> Identify:
    return lambda connection: answer


class Known(BaseUser):
    """A user as AuthenticationMiddleware has them."""

    is_authenticated: Any = True
    display_name = "Alice"
    identity: Any = "alice"


@pytest.mark.parametrize(
    ("answer", "subject"),
    [
        pytest.param("alice", "alice", id="text"),
        pytest.param("Alice@example.org", "Alice@example.org", id="an address, unrepaired"),
        pytest.param(7, "7", id="number"),
        pytest.param(0, "0", id="zero"),
        pytest.param(uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007", id="UUID"),
        pytest.param({"subject": 7}, "7", id="mapping"),
        pytest.param(Identity("acme", "alice"), "alice", id="Identity"),
        pytest.param(Known(), "alice", id="user"),
    ],
)
def test_takes_what_names_a_person(answer: object, subject: str) -> None:
    vouched = read(answer)
    assert vouched is not None
    assert vouched.subject == subject


class Later(Known):
    """C-18: true as a method, and says nothing."""

    def is_authenticated(self) -> bool:
        return False


class Truthy(Known):
    is_authenticated = "no"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty text"),
        pytest.param({"subject": None}, id="mapping of nobody"),
        pytest.param({}, id="empty mapping"),
        pytest.param(UnauthenticatedUser(), id="UnauthenticatedUser"),
        pytest.param(Later(), id="is_authenticated as a method"),
        pytest.param(Truthy(), id="is_authenticated as a word"),
        pytest.param(SimpleNamespace(is_authenticated=1, identity="alice"), id="as a number"),
    ],
)
async def test_nobody_is_nobody(answer: object) -> None:
    """C-18"""
    assert read(answer) is None
    assert await verdict(says(answer)) is Nobody.NOBODY


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(True, id="whether"),
        pytest.param(7.0, id="fraction"),
        pytest.param(b"alice", id="bytes"),
        pytest.param("  ", id="blanks"),
        pytest.param("a" * 513, id="N-14 a text without end"),
        pytest.param(["alice"], id="list"),
        pytest.param(object(), id="object"),
        pytest.param({"user_id": "alice"}, id="another member"),
        pytest.param({"subject": "alice", "Roles": []}, id="misspelt member"),
        pytest.param({"subject": True}, id="mapping of whether"),
        pytest.param({"subject": "a", "roles": 7}, id="roles of a number"),
        pytest.param({"subject": "a", "roles": ["x", ""]}, id="empty role"),
        pytest.param({"subject": "a", "org": {"x": 1, 2: 3}}, id="org of a number"),
        pytest.param({"subject": "a", "expires_at": "soon"}, id="expiry in words"),
        pytest.param({"subject": "a", "expires_at": float("nan")}, id="no moment"),
        pytest.param({"subject": "a", "expires_at": True}, id="whether it expires"),
        pytest.param({"subject": "a", "actor": 7}, id="actor of a number"),
        pytest.param({"subject": "a", "actor": ""}, id="actor of no name"),
    ],
)
async def test_what_is_no_person_is_a_fault_and_nobody(
    answer: object, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Misunderstood, match="identify said") as raised:
        await verdict(says(answer))
    assert [record.getMessage() for record in caplog.records] == [str(raised.value)]


@given(st.recursive(st.none() | st.booleans() | st.text() | st.floats(), st.lists))
def test_whatever_it_says_means_somebody_nobody_or_a_fault(answer: object) -> None:
    try:
        vouched = read(answer)
    except Misunderstood:
        return
    assert vouched is None or vouched.subject == answer


def test_takes_all_that_an_identity_has() -> None:
    identity = Identity("acme", "alice", ("admin",), {"plan": "pro"}, NOW + 5, "the-backend")
    vouched = read(identity)
    assert vouched is not None
    assert vouched.within("acme") == identity
    assert vouched.orgs == {"acme"}


async def test_is_asked_sync_or_async() -> None:
    async def later(connection: Any) -> str:
        return "alice"

    for identify in (says("alice"), later):
        assert await verdict(identify) == Vouched("alice")


async def test_sees_what_the_middlewares_found() -> None:
    scope = {"session": {"user_id": 7}, "user": SimpleUser("bob"), "auth": ("x",)}
    seen: list[Any] = []

    def identify(connection: Any) -> Any:
        seen.extend((connection.session, connection.user, connection.auth))
        return connection.session["user_id"]

    assert await verdict(identify, scope) == Vouched("7")
    assert seen == list(scope.values())


class SessionMiddleware:
    pass


class GatewayMiddleware:
    pass


def with_middlewares(*classes: type) -> Any:
    return SimpleNamespace(user_middleware=[SimpleNamespace(cls=one) for one in classes])


@pytest.mark.parametrize(
    "identify",
    [
        pytest.param(lambda c: c.session.get("user"), id="conn.session"),
        pytest.param(lambda c: c.scope["session"].get("user"), id="scope of session"),
    ],
)
@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({}, "no SessionMiddleware has run"),
        ({"app": object()}, "no SessionMiddleware has run"),
        ({"app": with_middlewares(GatewayMiddleware)}, "no SessionMiddleware has run"),
        (
            {"app": with_middlewares(GatewayMiddleware, SessionMiddleware)},
            "SessionMiddleware runs after the gateway: add it after GatewayMiddleware",
        ),
    ],
)
async def test_says_which_middleware_is_missing_or_misplaced(
    identify: Identify, scope: dict[str, Any], told: str
) -> None:
    """C-18"""
    with pytest.raises(Misplaced, match=told):
        await verdict(identify, scope)


async def test_a_missing_middleware_is_no_key_that_identify_could_pass_over() -> None:
    """C-18: else everybody would be nobody, and nothing would say why."""

    def identify(connection: Any) -> object:
        try:
            return connection.session["user_id"]
        except KeyError:
            return None

    with pytest.raises(Misplaced):
        await verdict(identify)
    assert await verdict(identify, {"session": {}}) is Nobody.NOBODY


@pytest.mark.parametrize("key", ["user", "auth"])
async def test_names_the_middleware_of_users(key: str) -> None:
    with pytest.raises(Misplaced, match=f"conn.{key}.*AuthenticationMiddleware"):
        await verdict(lambda connection: getattr(connection, key))


async def test_a_fault_of_identify_is_its_own() -> None:
    def identify(connection: Any) -> Any:
        return {}["user_id"]

    with pytest.raises(KeyError, match="user_id"):
        await verdict(identify)


async def test_what_changes_later_changes_nobody() -> None:
    """A-10, C-18"""
    said: dict[str, Any] = {"subject": "alice", "roles": ["user"], "attributes": {"plan": "free"}}
    vouched = await verdict(says(said))
    said["subject"] = "bob"
    said["roles"].append("admin")
    said["attributes"]["plan"] = "pro"
    assert isinstance(vouched, Vouched)
    assert (vouched.subject, vouched.roles) == ("alice", ("user",))
    assert vouched.attributes == {"plan": "free"}


async def test_somebody_whose_time_is_over_is_not_signed_in() -> None:
    with pytest.raises(CredentialsExpired):
        await verdict(says({"subject": "alice", "expires_at": NOW}))
    assert await verdict(says({"subject": "alice", "expires_at": NOW + 1}))


@pytest.mark.parametrize(
    ("org", "says_org", "expected"),
    [
        (None, False, None),
        (None, True, frozenset()),
        ("acme", True, frozenset({"acme"})),
        ("acme", False, frozenset({"acme"})),
        (["acme", "globex", "evil"], True, frozenset({"acme", "globex"})),
        (["acme", "evil"], False, frozenset({"acme"})),
    ],
)
async def test_orgs_are_those_it_may_vouch_for(
    org: Any, says_org: bool, expected: frozenset[str] | None
) -> None:
    vouched = await verdict(
        says({"subject": "alice", "org": org}),
        says_org=says_org,
        may_vouch_for=lambda one: one != "evil",
    )
    assert isinstance(vouched, Vouched)
    assert vouched.orgs == expected


BROWSERS: list[list[tuple[bytes, bytes]]] = [
    [(b"cookie", b"session=x")],
    [(b"origin", b"https://evil.example")],
    [(b"sec-fetch-site", b"cross-site")],
]


@pytest.mark.parametrize("fields", BROWSERS)
def test_what_a_browser_can_have_sent_counts_as_a_cookie(
    fields: list[tuple[bytes, bytes]],
) -> None:
    places = {place.is_cookie for place in sign_in(None).places if place.read(Hosted(fields))}
    assert places == {True}


def test_what_no_browser_can_have_sent_does_not() -> None:
    ask = Hosted([(b"authorization", b"Bearer x")])
    assert {place.is_cookie for place in sign_in(None).places if place.read(ask)} == {False}


@pytest.mark.parametrize("fields", [*BROWSERS, []])
def test_a_host_may_say_that_it_never_goes_by_cookies(fields: list[tuple[bytes, bytes]]) -> None:
    places = sign_in(None, cookies=False).places
    assert [place.is_cookie for place in places if place.read(Hosted(fields))] == [False]


@pytest.mark.parametrize("cookies", [True, False])
def test_a_request_from_outside_has_no_host(cookies: bool) -> None:
    """C-19"""
    fields = [(b"session", b"alice"), (b"x-scope-user", b"alice"), (b"cookie", b"session=alice")]
    places = sign_in(says("alice"), cookies=cookies).places
    assert {place.read(Ask(fields)) for place in places} == {None}


async def test_there_is_nobody_without_an_application() -> None:
    assert await verdict(None) is Nobody.NOBODY
    credential = Credential(HostScope(True), "", Ask())
    assert await sign_in(says("alice")).verify(credential) is Nobody.NOBODY


def test_an_org_is_named_by_the_application_where_it_says_one() -> None:
    assert sign_in(None, says_org=True).names_orgs_by == "identify"
    assert sign_in(None).names_orgs_by is None


def test_one_field_of_a_browser_is_enough() -> None:
    ask = Hosted(fields=[(b"x-a", b"b"), (b"cookie", b"a=b"), (b"x-c", b"d")])
    assert HostScope(True).read(ask) is not None
    assert HostScope(False).read(ask) is None


@pytest.mark.parametrize("error", [KeyError("session"), KeyError("mine"), KeyError()])
async def test_a_key_that_the_application_lacks_is_no_missing_middleware(error: KeyError) -> None:
    def identify(connection: Any) -> object:
        raise error

    with pytest.raises(KeyError) as raised:
        await verdict(identify, {"session": {}})
    assert raised.value is error


async def test_roles_and_org_are_named_where_they_are_no_texts() -> None:
    for name in ("roles", "org"):
        with pytest.raises(Misunderstood, match=f"said {name} that"):
            await verdict(says({"subject": "a", name: 7}))
