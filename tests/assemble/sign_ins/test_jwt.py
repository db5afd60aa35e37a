"""What sign-ins of many orgs are made of; what they then refuse is in tests/authn."""

from contextlib import aclosing

import pytest

from gateway.assemble.parts import Parts
from gateway.assemble.sign_ins import org_places, shared_sign_ins, sign_ins_of
from gateway.authn.places import Authorization, Field
from gateway.config.load import from_dict
from gateway.config.model import Settings
from tests.support.ask import bearing
from tests.support.provider import JWKS, Provider

pytestmark = pytest.mark.anyio

SUPPORT = {"vendor": "chatbase", "key": "k", "agent": "a"}
DOCS = {"vendor": "external-user-id", "key": "k2", "base_url": "https://docs.example"}


def settings(sign_in: dict[str, object], orgs: int = 3) -> Settings:
    given = {"issuer": "https://id.example/", "audience": "chat", "org_claim": "org", **sign_in}
    names = [f"o{number}" for number in range(orgs)]
    listed = {name: {"upstreams": {"support": SUPPORT}} for name in names}
    return from_dict({"sign_in": given, "orgs": listed}, environment={}).settings


async def test_orgs_that_share_a_sign_in_share_its_keys_and_its_memory() -> None:
    with Provider() as provider:
        found = settings({"jwks_url": provider.jwks_url}, orgs=20)
        async with aclosing(Parts()) as parts:
            shared = shared_sign_ins(found, parts)
            made = [sign_ins_of(org, shared, parts) for org in found.orgs.values()]
            (one,) = {id(sign_in): sign_in for (sign_in,) in made}.values()
            names = list(found.orgs)
            token = provider.issuer.token("alice", iss="https://id.example/", org=names)
            vouched = await one.verify(bearing(token))
            assert vouched is not None
            assert vouched.orgs == set(names)
        assert provider.count(JWKS) == 1


async def test_an_org_of_its_own_sign_in_has_its_own() -> None:
    text = {
        "orgs": {
            name: {
                "path": f"/{name}",
                "upstreams": {"support": {**SUPPORT, "key": name}},
                "sign_in": {"issuer": f"https://{name}.example/", "audience": "chat"},
            }
            for name in ("a", "b")
        }
    }
    found = from_dict(text, environment={}).settings
    async with aclosing(Parts()) as parts:
        shared = shared_sign_ins(found, parts)
        assert not shared
        made = [sign_ins_of(org, shared, parts) for org in found.orgs.values()]
        assert [one.issuer for (one,) in made] == ["https://a.example/", "https://b.example/"]


async def test_a_sign_in_vouches_for_those_it_is_there_for() -> None:
    text = {
        "sign_in": [
            {
                "issuer": f"https://id{number}.example/",
                "audience": "chat",
                "org_claim": "org",
                "orgs": orgs,
            }
            for number, orgs in enumerate((["*"], ["b"]))
        ],
        "orgs": {name: {"upstreams": {"support": SUPPORT}} for name in ("a", "b")},
    }
    found = from_dict(text, environment={}).settings
    async with aclosing(Parts()) as parts:
        shared = shared_sign_ins(found, parts)
        every, named = (shared[id(one)] for one in found.sign_in)
        rules = [one._rules.may_vouch_for for one in (every, named)]
        assert [[may(org) for may in rules] for org in ("a", "b", "c")] == [
            [True, False],
            [False, True],
            [True, False],
        ]
        assert list(sign_ins_of(found.orgs["b"], shared, parts)) == [named]


async def test_credentials_stand_where_any_of_its_vendors_has_them() -> None:
    text = {
        "sign_in": {"issuer": "https://id.example/", "audience": "chat", "org_claim": "org"},
        "vendors": {
            "mine": {
                "base_url": "https://mine.example",
                "user_id": ".+",
                "fields": {"x-mine-key": "{key}"},
                "credential_fields": ["x-mine-key"],
                "operations": {"ping": "GET /ping"},
            }
        },
        "orgs": {
            "a": {"upstreams": {"support": SUPPORT}},
            "b": {"upstreams": {"mine": {"vendor": "mine", "key": "k3"}}},
        },
    }
    found = from_dict(text, environment={}).settings
    async with aclosing(Parts()) as parts:
        (one,) = shared_sign_ins(found, parts).values()
        assert set(one.places) >= {Authorization(), Field("x-mine-key")}


def test_an_org_may_be_named_where_its_sign_ins_say() -> None:
    found = settings({"org_from": "field:x-org-id"})
    assert org_places(found.orgs.values()) == ("field:x-org-id",)
    assert org_places(settings({}).orgs.values()) == ()
