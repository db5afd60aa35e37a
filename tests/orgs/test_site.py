"""Many orgs under one name: rows O of SECURITY.md, CORS and errors before the org is known."""

import itertools
import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.explain import explained, typed
from gateway.core.people.identity import Person
from tests.support.stage import Saas, saas_stage
from tests.support.tokens import ABSENT
from tests.support.wire import Answer, raw_request, wire

pytestmark = pytest.mark.anyio

AGENT = "/support/api/v2/agents/agent_1"
CHAT = f"{AGENT}/chat"
LIST = f"{AGENT}/users/me/conversations"
ASK = "/docs/api/ai/chat"
HI = {"message": "hi", "stream": False}
ORG = "X-Org-Id"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Saas]:
    async with saas_stage(tmp_path) as built:
        yield built


def code(answer: Answer) -> str:
    return f"{answer.status} {' '.join(answer.values('x-gateway-error'))}".strip()


def as_sent(answer: Answer) -> list[Any]:
    """All of an answer but what differs with each request."""
    fields = [one for one in answer.fields if one[0].lower() not in {"x-request-id", "date"}]
    return [answer.status, fields, answer.body]


async def whoami(stage: Saas, token: str, *fields: tuple[str, str], host: str = "any") -> str:
    answer = await stage.ask(token, "GET", "/_gateway/whoami", fields=fields, host=host)
    return answer.json()["org"] if answer.status == 200 else code(answer)


# Which org -------------------------------------------------------------------------------------


async def test_the_claim_says_which_org_and_with_it_which_key(stage: Saas) -> None:
    """Row O-09: key, address and connection are of one org each."""
    for org in ("org_acme", "org_globex", "org_new"):
        answer = await stage.ask(stage.token("alice", org), "POST", CHAT, HI)
        assert answer.status == 200
    assert [one.values("authorization") for one in stage.acme.requests] == [["Bearer acme-cb-key"]]
    keys = [one.values("authorization") for one in stage.shared.requests]
    assert keys == [["Bearer shared-cb-key"]] * 2
    assert stage.shared.carriers == [1, 2]  # never one of two orgs


@pytest.mark.one_process("each has connections of its own")
async def test_a_connection_is_used_again_by_its_own_org_alone(stage: Saas) -> None:
    for org in ("org_globex", "org_new", "org_globex", "org_new", "org_other", "org_globex"):
        assert (await stage.ask(stage.token("alice", org), "POST", CHAT, HI)).status == 200
    assert stage.shared.carriers == [1, 2, 1, 2, 3, 1]


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ("org_acme", "acme"),
        ("org_new", "org_new"),
        (["org_acme"], "acme"),
        (["org_acme", "org_acme"], "acme"),
        (["org_acme", "org_own"], "acme"),  # the other one is not here
        (["org_acme", 7, None, "\x00"], "acme"),
        ("a:b c/d?~", "a:b c/d?~"),
        ("x" * 256, "x" * 256),
    ],
    ids=str,
)
async def test_an_org_is_found_by_its_external_id(stage: Saas, claim: object, found: str) -> None:
    assert await whoami(stage, stage.token("alice", claim)) == found


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(ABSENT, id="O-04 none"),
        pytest.param(None, id="O-10 null"),
        pytest.param("", id="O-10 empty"),
        pytest.param([], id="O-10 empty list"),
        pytest.param([""], id="O-10 list of empty"),
        pytest.param("*", id="O-10 wildcard"),
        pytest.param(["*"], id="O-10 wildcard in a list"),
        pytest.param("org_acme\norg_globex", id="O-10 two in one"),
        pytest.param([["org_acme"]], id="O-10 nested"),
        pytest.param({"org_acme": {}}, id="O-10 object"),
        pytest.param(7, id="O-10 number"),
        pytest.param(True, id="O-10 true"),
        pytest.param("acme", id="O-05 the key of an org whose external_id is another"),
        pytest.param("globex", id="O-05 another such key"),
        pytest.param("own", id="O-05 the key of an org elsewhere"),
        pytest.param("org_own", id="O-05 an org at another host"),
        pytest.param("org_initech", id="O-09 an org that another issuer is named for"),
        pytest.param(" org_acme", id="O-10 space before"),
        pytest.param("org_new ", id="O-10 space after"),
        pytest.param("org_new\n", id="O-10 newline after"),
        pytest.param("org\tnew", id="O-10 tab"),
        pytest.param("org_new\x00", id="O-10 NUL"),
        pytest.param("org_\x7f", id="O-10 DEL"),
        pytest.param("\u043erg_acme", id="O-10 Cyrillic o"),
        pytest.param("org\u200b_acme", id="O-10 zero width"),
        pytest.param("\uff4frg_acme", id="O-10 full width"),
        pytest.param("x" * 257, id="O-10 too long"),
    ],
)
async def test_a_claim_that_names_no_org_of_this_place_is_refused(
    stage: Saas, claim: object
) -> None:
    """Row T-05: in the same bytes, whether there is such an org or not."""
    answer = await stage.ask(stage.token("alice", claim), "POST", CHAT, HI)
    assert code(answer) == "403 wrong_org"
    none = await stage.ask(stage.token("alice", ["\x00"]), "POST", CHAT, HI)
    assert as_sent(answer) == as_sent(none)
    assert stage.saw_nothing()


async def test_a_twin_of_an_org_is_another_org(stage: Saas) -> None:
    """Row O-10: no folding, neither of case nor of anything else."""
    for twin in ("ORG_ACME", "Org_acme", "org-acme", "org_acme/", "org_acme%00"):
        assert await whoami(stage, stage.token("alice", twin)) == twin


async def test_more_orgs_than_anybody_belongs_to_are_refused(stage: Saas) -> None:
    many = [f"o{number}" for number in range(257)]
    assert await whoami(stage, stage.token("alice", many)) == "401 credentials_invalid"
    assert await whoami(stage, stage.token("alice", many[:256])) == "400 org_required"


async def test_one_of_several_orgs_must_be_chosen(stage: Saas) -> None:
    """Row O-04: never the first."""
    for claim in (["org_acme", "org_globex"], ["org_globex", "org_acme"], ["org_new", "org_acme"]):
        answer = await stage.ask(stage.token("alice", claim), "POST", CHAT, HI)
        assert code(answer) == "400 org_required"
        for org in claim:
            found = await whoami(stage, stage.token("alice", claim), (ORG, org))
            assert found == org.replace("org_acme", "acme").replace("org_globex", "globex")
    assert stage.saw_nothing()


@pytest.mark.parametrize(
    "asked",
    ["*", "", "null", "org_globex", "org_own", "acme", "ORG_ACME", "org_acme,org_new", "org_\xe4"],
)
async def test_nobody_gets_an_org_that_is_not_in_their_claim(stage: Saas, asked: str) -> None:
    token = stage.token("alice", ["org_acme", "org_new"])
    refusals = [
        await stage.ask(token, "POST", CHAT, HI, [(ORG, one)]) for one in (asked, "org_nowhere")
    ]
    assert code(refusals[0]) == "403 wrong_org"
    assert as_sent(refusals[0]) == as_sent(refusals[1])
    assert stage.saw_nothing()


async def test_an_org_in_the_claim_that_is_not_here_cannot_be_chosen(stage: Saas) -> None:
    token = stage.token("alice", ["org_acme", "org_own"])
    assert await whoami(stage, token, (ORG, "org_own")) == "403 wrong_org"
    assert await whoami(stage, token, (ORG, "org_acme")) == "acme"


async def test_two_orgs_named_in_two_places_are_none(stage: Saas) -> None:
    """Row O-02: host and field, or field and field; checked after sign-in."""
    token = stage.own.token("alice", algorithm="HS256", org_id=["org_own", "org_acme"])
    assert await whoami(stage, token, host="own.test") == "own"
    assert await whoami(stage, token, (ORG, "org_own"), host="own.test") == "own"
    for other in ("org_acme", "org_nowhere", "", "*"):
        named = (ORG, other)
        assert await whoami(stage, token, named, host="own.test") == "400 bad_request"
        answer = await stage.ask(None, "POST", CHAT, HI, [named], host="own.test")
        assert code(answer) == "401 credentials_missing"
    both = [(ORG, "org_acme"), (ORG, "org_globex")]
    several = stage.token("alice", ["org_acme", "org_globex"])
    for fields in (both, both[:1] * 2):
        assert await whoami(stage, several, *fields) == "400 bad_request"
    assert stage.saw_nothing()


async def test_saying_which_org_spoofs_nobody(tmp_path: Path) -> None:
    def refusing(text: str) -> str:
        return text.replace("[orgs.acme]\n", '[orgs.acme]\non_spoof = "refuse"\n')

    async with saas_stage(tmp_path, refusing) as stage:
        token = stage.token("alice", ["org_acme", "org_globex"])
        answer = await stage.ask(token, "POST", CHAT, HI, [(ORG, "org_acme")])
        assert answer.status == 200
        assert ORG.lower() not in dict(stage.acme.requests[0].fields)


# Who vouches ------------------------------------------------------------------------------------


async def test_an_issuer_vouches_for_those_it_is_there_for(stage: Saas) -> None:
    def by_partner(tenant: object) -> str:
        return stage.partner.token("alice", algorithm="HS256", tenant=tenant, org_id="org_acme")

    assert await whoami(stage, by_partner("org_initech")) == "initech"
    assert await whoami(stage, by_partner(["org_acme", "org_initech"])) == "initech"
    for tenant in ("org_acme", "org_globex", "org_new", "*", "initech"):
        assert await whoami(stage, by_partner(tenant)) == "403 wrong_org"
    both = stage.token("alice", ["org_acme", "org_initech"])
    assert await whoami(stage, both) == "acme"
    assert await whoami(stage, both, (ORG, "org_initech")) == "403 wrong_org"


async def test_an_org_that_is_not_listed_can_have_an_issuer_of_its_own(tmp_path: Path) -> None:
    def naming(text: str) -> str:
        return text.replace('orgs = ["org_initech"]', 'orgs = ["org_initech", "org_far"]')

    async with saas_stage(tmp_path, naming) as stage:
        token = stage.partner.token("alice", algorithm="HS256", tenant="org_far")
        assert await whoami(stage, token) == "org_far"
        assert await whoami(stage, stage.token("alice", "org_far")) == "403 wrong_org"


@pytest.mark.parametrize(
    ("second", "answer"),
    [
        (("alice", "org_acme"), "acme"),
        (("bob", "org_acme"), "400 ambiguous_credentials"),
        (("alice", "org_globex"), "400 ambiguous_credentials"),
        (("alice", "org_nowhere"), "400 ambiguous_credentials"),
        (("alice", None), "403 wrong_org"),
        (("alice", ["org_acme", "org_globex"]), "acme"),
    ],
    ids=str,
)
async def test_two_credentials_name_one_org(
    tmp_path: Path, second: tuple[str, object], answer: str
) -> None:
    def also_in_a_field(text: str) -> str:
        more = 'from = ["authorization", "field:x-api-key"]'
        return text.replace('org_claim = "org_id"', f'org_claim = "org_id"\n{more}', 1)

    async with saas_stage(tmp_path, also_in_a_field) as stage:
        first, other = stage.token("alice", "org_acme"), stage.token(*second)
        for one, two in itertools.permutations((first, other)):
            assert await whoami(stage, one, ("X-Api-Key", two)) == answer
        forged = ("X-Api-Key", stage.own.token("alice", algorithm="HS256", iss=stage.platform.url))
        assert await whoami(stage, first, forged) == "401 credentials_invalid"


async def test_a_credential_is_judged_before_anything_is_said_of_orgs(stage: Saas) -> None:
    forged = stage.own.token("alice", algorithm="HS256", iss=stage.platform.url, org_id="org_acme")
    late = stage.token("alice", "org_acme", exp=1_000_000_000)
    for claim in ("org_acme", "org_nowhere", None):
        refused = {
            "401 credentials_invalid": stage.own.token(algorithm="HS256", org_id=claim),
            "401 credentials_expired": stage.token("alice", claim, exp=1_000_000_000),
        }
        for expected, token in refused.items():
            assert code(await stage.ask(token, "POST", CHAT, HI)) == expected
    assert code(await stage.ask(forged, "POST", CHAT, HI)) == "401 credentials_invalid"
    assert code(await stage.ask(late, "POST", CHAT, HI, [(ORG, "x")])) == "401 credentials_expired"
    assert stage.saw_nothing()


# One subject of two orgs ------------------------------------------------------------------------


async def conversation_of(stage: Saas, org: str, path: str = CHAT) -> str:
    answer = await stage.ask(stage.token("alice", org), "POST", path, HI)
    assert answer.status == 200
    found = answer.json()
    return str(found["data"]["metadata"]["conversationId"] if path == CHAT else found)


async def test_one_subject_of_two_orgs_is_two_people(stage: Saas) -> None:
    """Row O-03: ownership, the vendor's user id, what is listed, and what is remembered."""
    orgs = ("org_globex", "org_new", "org_other")
    theirs = {org: await conversation_of(stage, org) for org in orgs}
    users = [one.json()["userId"] for one in stage.shared.requests]
    assert len(set(users)) == 3
    assert "alice" not in users
    stage.shared.forget()
    for asking, owner in itertools.permutations(orgs, 2):
        token = stage.token("alice", asking)
        for method, path, body in (
            ("GET", f"{AGENT}/conversations/{theirs[owner]}", None),
            ("GET", f"{AGENT}/conversations/{theirs[owner]}/messages", None),
            ("POST", CHAT, {**HI, "conversationId": theirs[owner]}),
        ):
            answer = await stage.ask(token, method, path, body)
            none = await stage.ask(token, method, path.replace(theirs[owner], "c-none"), body)
            assert code(answer) == "404 conversation_not_found"
            if body is None:
                assert as_sent(answer) == as_sent(none)
    assert stage.shared.saw_nothing()
    for org in orgs:
        listed = await stage.ask(stage.token("alice", org), "GET", LIST)
        assert [one["id"] for one in listed.json()["data"]] == [theirs[org]]


async def test_the_ledger_knows_people_by_their_org(stage: Saas) -> None:
    """Row O-06: names that a delimiter would make one."""
    pairs = [("a:b", "c"), ("b", "c:a"), ("b:c", "a"), ("c", "a:b")]
    for subject, org in pairs:
        answer = await stage.ask(stage.token(subject, org), "POST", CHAT, HI)
        assert answer.status == 200
    users = [one.json()["userId"] for one in stage.shared.requests]
    assert len(set(users)) == len(pairs)
    ledger = (await stage.gateway.open()).process.store.ledger
    known = [await ledger.known_user_id("support", Person(org, who)) for who, org in pairs]
    assert known == users


async def test_a_vendor_that_is_told_the_org_is_told_the_right_one(stage: Saas) -> None:
    for org in ("org_acme", "org_globex", "org_new"):
        await stage.ask(stage.token("alice", org), "POST", ASK, HI)
    said = [
        (one.values("x-external-org-id"), one.values("x-external-user-id"))
        for one in stage.docs.requests
    ]
    assert said == [([org], ["alice"]) for org in ("org_acme", "org_globex", "org_new")]


# Before the org is known ------------------------------------------------------------------------


def preflight(origin: str, path: str = CHAT) -> bytes:
    fields = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
    return raw_request("OPTIONS", path, fields, host="chat.saas.test")


async def test_a_preflight_is_answered_for_the_origins_of_all_of_them(stage: Saas) -> None:
    for org in ("acme", "globex", "initech"):
        answer = await wire(stage.url, preflight(f"https://{org}.example"))
        assert answer.status == 204
        assert answer.values("access-control-allow-origin") == [f"https://{org}.example"]
        assert answer.values("access-control-allow-methods") == ["POST"]
        assert "x-org-id" in answer.values("access-control-allow-headers")[0]
    for origin in ("https://evil.example", "https://acme.example.evil", "null", "https://own.test"):
        answer = await wire(stage.url, preflight(origin))
        assert not answer.values("access-control-allow-origin")
    missing = await wire(stage.url, preflight("https://acme.example", f"{AGENT}/sources"))
    assert missing.status == 404
    assert stage.saw_nothing()


async def test_the_origin_is_checked_again_once_the_org_is_known(stage: Saas) -> None:
    def granted(answer: Answer) -> list[str]:
        return answer.values("access-control-allow-origin")

    theirs, others = "https://acme.example", "https://globex.example"
    token = stage.token("alice", "org_acme")
    for origin, may_read in ((theirs, [theirs]), (others, [])):
        answer = await stage.ask(token, "POST", CHAT, HI, [("Origin", origin)])
        assert (answer.status, granted(answer)) == (200, may_read)
        unsigned = await stage.ask(None, "POST", CHAT, HI, [("Origin", origin)])
        assert (unsigned.status, granted(unsigned)) == (401, [origin])


async def test_a_cookie_counts_from_the_origins_of_its_own_org(tmp_path: Path) -> None:
    def by_cookie(text: str) -> str:
        return text.replace('org_claim = "org_id"', 'org_claim = "org_id"\nfrom = "cookie:s"', 1)

    async with saas_stage(tmp_path, by_cookie) as stage:
        cookie = ("Cookie", f"s={stage.token('alice', 'org_acme')}")
        for origin, expected in (
            ("https://acme.example", "200"),
            ("https://globex.example", "403 origin_refused"),
            ("https://evil.example", "403 origin_refused"),
        ):
            answer = await stage.ask(None, "POST", CHAT, HI, [cookie, ("Origin", origin)])
            assert code(answer) == expected
        assert len(stage.acme.requests) == 1


async def test_an_error_is_the_vendors_where_all_agree_whose_route_it_is(stage: Saas) -> None:
    answer = await stage.ask(None, "POST", CHAT, HI)
    assert answer.json()["error"]["code"] == "AUTH_MISSING_API_KEY"
    answer = await stage.ask(None, "POST", "/nothing/here", HI)
    assert answer.values("content-type") == ["application/problem+json"]
    answer = await stage.ask(None, "GET", "/_gateway/whoami")
    assert answer.values("content-type") == ["application/problem+json"]


async def test_it_is_nobodys_where_they_do_not(tmp_path: Path) -> None:
    def another_vendor(text: str) -> str:
        before, _, rest = text.partition("[orgs.globex.upstreams.support]")
        return (
            before
            + "[orgs.globex.upstreams.support]"
            + rest.replace('vendor = "chatbase"', 'vendor = "bookbag"', 1).replace(
                'agent = "agent_1"', 'agent = "12"', 1
            )
        )

    async with saas_stage(tmp_path, another_vendor) as stage:
        answer = await stage.ask(None, "POST", CHAT, HI)
        assert answer.values("content-type") == ["application/problem+json"]
        answer = await stage.ask(stage.token("alice", "org_acme"), "POST", f"{AGENT}/nothing", HI)
        assert "error" in answer.json()  # known by then: Chatbase's own shape


async def test_what_nobody_has_is_not_found_but_only_after_sign_in(stage: Saas) -> None:
    for path in ("/nothing", f"{AGENT}/sources", "/_gateway/x"):
        assert code(await stage.ask(None, "GET", path)) == "401 credentials_missing"
        answer = await stage.ask(stage.token("alice", "org_new"), "GET", path)
        assert code(answer) == "404 not_found"
    for path in ("/livez", "/readyz"):
        assert (await stage.ask(None, "GET", path)).status == 200
    assert stage.saw_nothing()


# What is said of it -----------------------------------------------------------------------------


@pytest.mark.one_process("its log is in the test's own")
async def test_the_log_says_which_org(stage: Saas, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway")
    for org in ("org_acme", "org_globex", "org_new"):
        await stage.ask(stage.token("alice", org), "POST", CHAT, HI)
    await stage.ask(stage.token("alice", "own"), "POST", CHAT, HI)
    lines = [one.getMessage() for one in caplog.records if one.name == "gateway"]
    said = [dict(re.findall(r"(\w+)='([^']*)'", line)) for line in lines]
    assert [one.get("org") for one in said] == ["acme", "globex", "org_new", None]
    assert len({one.get("user") for one in said[:3]}) == 3


@pytest.mark.parametrize(
    ("claim", "fields", "said"),
    [
        ("org_acme", [], "acme (external_id org_acme), by the claim org_id or the claim tenant"),
        ("org_new", [], "org_new (external_id org_new), by the claim org_id or the claim tenant"),
        (
            ["org_acme", "org_new"],
            [f"{ORG}: org_acme"],
            "acme (external_id org_acme), by the field x-org-id, "
            "one of the claim org_id or the claim tenant",
        ),
    ],
    ids=["listed", "not listed", "chosen"],
)
async def test_explain_says_what_named_the_org(
    stage: Saas, claim: object, fields: list[str], said: str
) -> None:
    asked = typed("POST", CHAT, fields, json.dumps(HI), stage.token("alice", claim))
    explanation = await explained(stage.gateway.settings, asked)
    assert dict(explanation.steps)["org"] == said
    assert stage.saw_nothing()
