"""J: forged, twisted and misused tokens, as bearer credentials of a chat.

What is decided about each of them is tested in tests/authn; here one of each kind takes the whole
way in, and nothing comes out at the vendor.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.attacks.both_ends import HI, bearer, only, refused, signing_in
from tests.support.chatbase import Chatbase
from tests.support.corpora import corpus
from tests.support.provider import JWKS, Provider, body
from tests.support.stage import Stage, chatbase_stage
from tests.support.tokens import ABSENT, Issuer, b64, compact, jwk, private_key
from tests.support.vendor import RecordingVendor
from tests.support.wire import Answer, wire

pytestmark = pytest.mark.anyio

ALGORITHMS = ("RS256", "ES256")
OPAQUE = re.compile(r"u_[a-z2-7]{26}")


@dataclass(frozen=True)
class Signed:
    """A gateway that believes two issuers, whose keys it fetches; one who is none of them."""

    stage: Stage[Chatbase]
    ours: Issuer
    other: Issuer
    evil: Issuer
    listener: RecordingVendor  # where a token may want keys to be fetched from

    async def ask(self, token: str, *, who: str | None = None) -> Answer:
        return await self.stage.ask(who, "POST", "/chat", HI, [bearer(token)])


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Signed]:
    with Provider() as one, Provider() as two:
        one.algorithms = two.algorithms = ALGORITHMS
        edit = signing_in(
            *(
                {
                    "issuer": p.url,
                    "audience": "chat",
                    "jwks_url": p.jwks_url,
                    "algorithms": list(ALGORITHMS),
                }
                for p in (one, two)
            )
        )
        folder = tmp_path_factory.mktemp("signed")
        async with RecordingVendor() as listener, chatbase_stage(folder, edit) as stage:
            yield Signed(stage, one.issuer, two.issuer, Issuer(one.url + "/evil"), listener)


@pytest.fixture
def signed(shared: Signed) -> Signed:
    shared.stage.vendor.handler = shared.stage.vendor.answer
    shared.stage.vendor.forget()
    return shared


async def test_the_stage_takes_a_good_token_of_either_issuer(signed: Signed) -> None:
    for issuer in (signed.ours, signed.other):
        for algorithm in ALGORITHMS:
            answer = await signed.ask(issuer.token("alice", algorithm=algorithm))
            assert answer.status == 200, answer.body
    only(signed.stage, "alice", "eyJ")


# Forged, twisted, misused: 401 each ---------------------------------------------------------------

Maker = Callable[[Signed], str]


def unsigned(algorithm: object, signed_by: str = "") -> Maker:
    """`signed_by` stands where a signature would: in none, a token has but two parts."""

    def make(s: Signed) -> str:
        head = b64(json.dumps({"alg": algorithm, "typ": "JWT", "kid": s.ours.kid()}).encode())
        return f"{head}.{b64(json.dumps(s.ours.claims('bob')).encode())}.{signed_by}"

    return make


def misnamed(algorithm: str) -> Maker:
    """Truly signed, by the issuer's own key, in an algorithm of another name."""
    return lambda s: compact(
        s.ours.header(alg=algorithm),
        s.ours.claims("bob"),
        algorithm="RS256",
        key=private_key("RS256", f"{s.ours.url} 1"),
    )


def beside_good_claims(member: str) -> Maker:
    """A good token, but for one more member as it stands here."""
    return lambda s: s.ours.seal(f"{json.dumps(s.ours.claims('bob'))[:-1]}, {member}}}".encode())


def by_public_key(spelling: Callable[[Issuer], bytes]) -> Maker:
    return lambda s: compact(
        s.ours.header(alg="HS256"), s.ours.claims("bob"), algorithm="HS256", key=spelling(s.ours)
    )


def public(encoding: str, form: str) -> Callable[[Issuer], bytes]:
    def spell(issuer: Issuer) -> bytes:
        return (
            private_key("RS256", f"{issuer.url} 1")
            .public_key()
            .public_bytes(
                getattr(serialization.Encoding, encoding), getattr(serialization.PublicFormat, form)
            )
        )

    return spell


def evil_key(s: Signed, algorithm: str = "RS256", **header: object) -> str:
    """Truly signed, by a key of the attacker's, in our issuer's name."""
    key = private_key(algorithm, "evil")
    head = {"alg": algorithm, "typ": "JWT", "kid": s.ours.kid()} | header
    return compact(head, s.ours.claims("bob"), algorithm=algorithm, key=key)


def claims(**changed: object) -> Maker:
    return lambda s: (
        s.ours.token("bob", **changed)
        if "sub" not in changed
        else s.ours.token(
            changed["sub"], **{name: value for name, value in changed.items() if name != "sub"}
        )
    )


def header(**changed: object) -> Maker:
    return lambda s: s.ours.token("bob", header=changed)


def written(name: str, number: bytes) -> Maker:
    """A claim spelt in a way `json.dumps` would not."""

    def make(s: Signed) -> str:
        payload = json.dumps(s.ours.claims("bob", **{name: "@"})).encode()
        return s.ours.seal(payload.replace(b'"@"', number))

    return make


def twisted(change: Callable[[str], str]) -> Maker:
    return lambda s: change(s.ours.token("bob"))


def signature(change: Callable[[str], str]) -> Maker:
    def make(s: Signed) -> str:
        message, _, signed_by = s.ours.token("bob", algorithm="ES256").rpartition(".")
        return f"{message}.{change(signed_by)}"

    return make


def flipped(text: str) -> str:
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def r_and_s(r: int, s: int) -> Callable[[str], str]:
    return lambda _: b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def rows() -> Iterator[tuple[str, Maker]]:
    for algorithm in ("none", "None", "nOnE", "NONE", " none", "", None, [], ["none"], {}, 0):
        for signed_by in ("", "AAAA", "A" * 342):
            yield f"J-01 alg {algorithm!r}, {len(signed_by)}", unsigned(algorithm, signed_by)
    for algorithm in ("hs256", "rs256", "RS1", "HS257", "RS256 ", "ES256K"):
        yield f"J-02 alg {algorithm!r}", lambda s, a=algorithm: evil_key(s, alg=a)
        yield f"J-02 alg {algorithm!r}, well signed", misnamed(algorithm)
    for name, spell in {
        "PEM": public("PEM", "SubjectPublicKeyInfo"),
        "PKCS1 PEM": public("PEM", "PKCS1"),
        "DER": public("DER", "SubjectPublicKeyInfo"),
        "PKCS1 DER": public("DER", "PKCS1"),
        "SSH line": public("OpenSSH", "OpenSSH"),
        "JWK": lambda issuer: json.dumps(issuer.jwk()).encode(),
        "JWK Set": lambda issuer: issuer.jwks_text(*ALGORITHMS).encode(),
    }.items():
        yield f"J-03 {name}", by_public_key(spell)
        yield f"J-03 {name}, newline", by_public_key(lambda i, s=spell: s(i).strip() + b"\n")
    for algorithm in ("ES384", "PS256", "EdDSA", "ES256", "RS256"):
        yield f"J-04 {algorithm}", lambda s, a=algorithm: evil_key(s, a)
        yield f"J-04 {algorithm}, no kid", lambda s, a=algorithm: evil_key(s, a, kid="")
    yield "J-06 jwk", lambda s: evil_key(s, jwk=jwk("RS256", private_key("RS256", "evil")))
    yield "J-06 x5c", lambda s: evil_key(s, x5c=["MIIB"])
    for parameter in ("jku", "x5u"):
        yield f"J-06 {parameter}", lambda s, p=parameter: evil_key(s, **{p: s.listener.url})
        yield (
            f"J-06 {parameter}, well signed",
            lambda s, p=parameter: s.ours.token("bob", header={p: s.listener.url}),
        )
    yield "J-08 the other issuer's key", lambda s: s.other.token("bob", iss=s.ours.url)
    yield (
        "J-08 the other issuer's kid",
        lambda s: s.other.token("bob", iss=s.ours.url, header={"kid": s.other.kid("ES256")}),
    )
    for name, crit in {"exp": ["exp"], "x": ["x"], "b64": ["b64"]}.items():
        yield f"J-09 crit {name}", header(crit=crit)
    yield "J-09 crit empty", header(crit=[])
    yield "J-09 crit a string", header(crit="x")
    yield "J-10 b64", header(b64=False)
    yield "J-10 detached", twisted(lambda t: t.split(".")[0] + ".." + t.split(".")[2])
    yield "J-10 flattened JSON", twisted(flattened)
    yield "J-11 a JWE of five parts", twisted(lambda t: t + ".AAAA.BBBB")
    yield "J-11 PBES2", header(alg="PBES2-HS256+A128KW", p2c=2**31, p2s="AAAA", enc="A128GCM")
    yield "J-11 zip", header(zip="DEF")
    yield "J-11 nested", header(cty="JWT")
    yield "J-12 stripped", signature(lambda _: "")
    yield "J-12 truncated", signature(lambda s: s[:-4])
    yield "J-12 a bit flipped", signature(flipped)
    yield "J-12 zeros", signature(r_and_s(0, 0))
    yield "J-12 r and s the order", signature(r_and_s(P256_ORDER, P256_ORDER))
    yield "J-12 r of 1, s of 0", signature(r_and_s(1, 0))
    yield "J-12 of another's payload", another_payload
    yield "J-13 padded", twisted(lambda t: t + "=")
    yield "J-13 trailing bits", signature(lambda s: s[:-1] + chr(ord(s[-1]) + 1))
    yield "J-13 a space within", twisted(lambda t: t[:30] + " " + t[30:])
    yield "J-13 an encoded dot", twisted(lambda t: t.replace(".", "%2E", 1))
    yield "J-13 a no-break space", twisted(lambda t: "\xa0" + t)
    yield "J-13 UTF-16", lambda s: s.ours.seal(json.dumps(s.ours.claims("bob")).encode("utf-16"))
    yield "J-13 BOM", lambda s: s.ours.seal(b"\xef\xbb\xbf" + json.dumps(s.ours.claims()).encode())
    for name, exp in {
        "past": 1,
        "just past the leeway": "now - 31",
        "missing": ABSENT,
        "null": None,
        "empty": "",
        "a string": "9999999999",
        "true": True,
        "a list": [9999999999],
        "negative": -1,
        "in milliseconds": 9999999999000,
    }.items():
        yield f"J-14 {name}", expiring(exp)
    for number in (b"1e400", b"Infinity", b"NaN", b"9" * 400):
        yield f"J-14 {number[:8].decode()}", written("exp", number)
    for name, audience in {
        "missing": ABSENT,
        "another": "other",
        "empty list": [],
        "star": "*",
        "case": "Chat",
        "trailing slash": "chat/",
        "10,000 of them": ["chat"] * 1000,
        "list in a list": [["chat"]],
    }.items():
        yield f"J-15 {name}", claims(aud=audience)
    for name, value in {"missing": ABSENT, "list": ["x"], "number": 1, "null": None}.items():
        yield f"J-17 {name}", claims(iss=value)
    for name, twin in {
        "prefix": lambda url: url[:-1],
        "suffix": lambda url: url + "x",
        "slash": lambda url: url + "/",
        "case": str.upper,
        "userinfo": lambda url: url.replace("://", "://evil@"),
        "tab": lambda url: url + "\t",
        "two": lambda url: f"{url}, https://evil.example",
    }.items():
        yield f"J-18 {name}", lambda s, t=twin: s.ours.token("bob", iss=t(s.ours.url))
    for sub in (ABSENT, "", "  ", "\t", 0, 1, True, ["bob"], {"id": "bob"}, None):
        yield f"J-19 {'missing' if sub is ABSENT else repr(sub)}", claims(sub=sub)
    for kind in ("logout+jwt", "dpop+jwt", "secevent+jwt", "refresh+jwt", "id_token", ""):
        yield f"J-20 typ {kind!r}", header(typ=kind)
    yield "J-20 a logout token", claims(events={"http://schemas.openid.net/event": {}})
    for name in ("Sub", "SUB", "sub\0", "sub "):
        yield f"J-24 {name!r} alone", claims(sub=ABSENT, **{name: "bob"})
    yield "J-35 deep", lambda s: s.ours.seal(b'{"a":' * 1500 + b"1" + b"}" * 1500)
    yield "J-35 lists", lambda s: s.ours.seal(b"[" * 11_000)
    yield "J-35 deep beside good claims", beside_good_claims('"a":' + "[" * 100 + "]" * 100)
    yield "J-35 very deep beside good claims", beside_good_claims('"a":' + "[" * 5000 + "]" * 5000)
    yield "J-35 a name twice beside good claims", beside_good_claims('"a":0,"\\u0061":0')
    yield "J-35 one name, many times", lambda s: s.ours.seal(b"{" + b'"a":0,' * 1800 + b'"a":0}')
    yield "J-36 somebody for somebody", claims(act={"sub": "svc"})
    for count in (1, 2, 4, 5, 1000):
        yield f"J-29 {count} parts", lambda s, n=count: ".".join(["eyJh"] * n)
    yield "J-29 dots", lambda s: "." * 10_000
    yield "J-30 20 KB", claims(padding="x" * 15_000)


def flattened(token: str) -> str:
    protected, payload, signed_by = token.split(".")
    return json.dumps({"payload": payload, "protected": protected, "signature": signed_by})


def another_payload(s: Signed) -> str:
    head, _, signed_by = s.ours.token("alice").split(".")
    return f"{head}.{b64(json.dumps(s.ours.claims('bob')).encode())}.{signed_by}"


def expiring(exp: object) -> Maker:
    def make(s: Signed) -> str:
        when = int(s.ours.clock()) - 31 if exp == "now - 31" else exp
        return s.ours.token("bob", exp=when)

    return make


ROWS = dict(rows())


@pytest.mark.parametrize("name", ROWS)
async def test_a_token_that_will_not_do_is_401(signed: Signed, name: str) -> None:
    answer = await signed.ask(ROWS[name](signed))
    # A list in the field is two credentials; which of them counts is not ours to say.
    assert answer.status == (400 if name == "J-10 flattened JSON" else 401), answer.body
    refused(signed.stage, answer, answer.status)
    assert signed.listener.saw_nothing()
    if answer.status == 401:
        (challenge,) = answer.values("www-authenticate")
        assert challenge.startswith('Bearer realm="gateway", error="invalid_token"')


async def test_a_token_of_a_megabyte_is_431(signed: Signed) -> None:
    """Row J-30."""
    refused(signed.stage, await signed.ask("a" * 1_000_000), 431, "fields_too_large")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"sub": "alice", "Sub": "bob", "SUB": "bob"}, id="J-24 case twins beside sub"),
        pytest.param({"user_id": "bob", "uid": "bob", "email": "bob@x"}, id="J-24 other names"),
        pytest.param({"aud": ["other", "chat"]}, id="J-15 one of several"),
    ],
)
async def test_what_a_good_token_says_besides_changes_nothing(
    signed: Signed, change: dict[str, Any]
) -> None:
    answer = await signed.ask(signed.ours.token(**({"sub": "alice"} | change)))
    assert answer.status == 200, answer.body
    only(signed.stage, "alice", "bob")


# What a subject may be ----------------------------------------------------------------------------

ODD_SUBJECTS = {
    "CR LF": "al\r\nx-external-user-id: bob",
    "line separator": "alice\u2028bob",
    "right to left": "\u202ealice",
    "emoji": "alice\U0001f600",
    "129 characters": "a" * 129,
    "a slash": "alice/../bob",
    "dots": "..",
    "a dot": ".",
    "encoded dots": "%2e%2e",
    "a comma": "alice,bob",
    "a space": "alice bob",
    "an address": "alice@acme.example",
    "a template": "{key}",
    "quotes": '","userId":"bob',
}


@pytest.mark.parametrize("name", [f"J-21 {name}" for name in ODD_SUBJECTS])
async def test_an_odd_subject_reaches_the_vendor_as_an_opaque_id(signed: Signed, name: str) -> None:
    subject = ODD_SUBJECTS[name.removeprefix("J-21 ")]
    answer = await signed.ask(signed.ours.token(subject))
    assert answer.status == 200, answer.body
    (request,) = signed.stage.vendor.requests
    user = request.json()["userId"]
    assert OPAQUE.fullmatch(user)
    only(signed.stage, user, "bob", "alice", "{key}")


@pytest.mark.parametrize("subject", ["alice\0bob", "alice\0", "\0alice"])
async def test_a_subject_no_database_can_hold_is_refused(signed: Signed, subject: str) -> None:
    """Rows J-21 and J-34: PostgreSQL knows no NUL, and C ends a name there."""
    answer = await signed.ask(signed.ours.token(subject))
    refused(signed.stage, answer, 403, "identity_not_representable")


async def test_a_subject_has_an_end(signed: Signed) -> None:
    """Rows J-21 and N-14: a name that PostgreSQL cannot index takes along whatever is written
    with it, other people's too.
    """
    answer = await signed.ask(signed.ours.token("\U0001f600" * 512))
    assert answer.status == 200, answer.body
    signed.stage.vendor.forget()
    refused(signed.stage, await signed.ask(signed.ours.token("a" * 513)), 401)


async def test_half_a_surrogate_pair_is_no_subject(signed: Signed) -> None:
    """Row J-21."""
    refused(signed.stage, await signed.ask(signed.ours.token("alice\ud800")), 401)


def twins(name: str) -> list[str]:
    """Row J-34: subjects that one normalisation or another takes for `name`."""
    return [
        name,
        name.upper(),
        name.title(),
        name + " ",
        " " + name,
        name + "\u200b",
        name.replace("k", "\u212a"),
        name.replace("a", "\u0430"),
        name.replace("e", "\u00e9"),
        name.replace("e", "e\u0301"),
        "".join(chr(ord(c) + 0xFEE0) for c in name),
        name + "@acme.example",
        name.replace("a", "%61"),
        name + ".",
        name + "/",
    ]


async def test_two_subjects_are_never_one_user(signed: Signed) -> None:
    """Row J-34, with the opaque ids of the first as subjects at last."""
    subjects = twins("kate")
    users: dict[str, str] = {}
    for subject in subjects:
        signed.stage.vendor.forget()
        assert (await signed.ask(signed.ours.token(subject))).status == 200
        users[subject] = signed.stage.vendor.requests[0].json()["userId"]
    opaque = next(user for user in users.values() if OPAQUE.fullmatch(user))
    signed.stage.vendor.forget()
    assert (await signed.ask(signed.ours.token(opaque))).status == 200
    users[opaque] = signed.stage.vendor.requests[0].json()["userId"]
    assert len(set(users.values())) == len(users)
    assert users["kate"] == "kate"


# Several credentials ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def shared_places(
    tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Stage[Chatbase]]:
    def places(text: str) -> str:
        found = '["authorization", "cookie:__session", "field:x-api-key"]'
        return text.replace("[sign_in]\n", f"[sign_in]\nfrom = {found}\n")

    async with chatbase_stage(tmp_path_factory.mktemp("places"), places) as built:
        yield built


@pytest.fixture
def places(shared_places: Stage[Chatbase]) -> Stage[Chatbase]:
    shared_places.vendor.forget()
    return shared_places


SAME_ORIGIN = ("Sec-Fetch-Site", "same-origin")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        pytest.param(["Authorization: Bearer A", "Authorization: Bearer B"], 400, id="J-31 two"),
        pytest.param(["Authorization: Bearer A", "Authorization: Bearer A"], 400, id="J-31 twice"),
        pytest.param(["Authorization: Bearer A", "AUTHORIZATION: Basic x"], 400, id="J-31 mixed"),
        pytest.param(["Authorization: Bearer A, Bearer B"], 400, id="J-31 a list"),
        pytest.param(["Authorization: Bearer A", "Cookie: __session=B"], 400, id="J-31 cookie"),
        pytest.param(["Authorization: Bearer A", "X-Api-Key: B"], 400, id="J-31 field"),
        pytest.param(["Cookie: __session=A", "X-Api-Key: B"], 400, id="J-31 cookie and field"),
        pytest.param(["X-Api-Key: A", "x-api-key: B"], 400, id="J-31 two fields"),
        pytest.param(["Authorization: Bearer A", "Cookie: __session=F"], 401, id="J-31 forged"),
        pytest.param(["Authorization: Bearer F", "Cookie: __session=A"], 401, id="J-31 forged too"),
        pytest.param(["Authorization: Bearer\tA"], 401, id="J-32 tab"),
        pytest.param(["Authorization: Bearer  A"], 401, id="J-32 two spaces"),
        pytest.param(["Authorization: Bearer"], 401, id="J-32 no token"),
        pytest.param(["Authorization: Basic A"], 401, id="J-32 Basic"),
        pytest.param(["Authorization: Token A"], 401, id="J-32 Token"),
        pytest.param(["Authorization: A"], 401, id="J-32 bare"),
        pytest.param(["Authorization: \xa0Bearer A"], 401, id="J-32 no-break space"),
        pytest.param(['Authorization: Bearer "A"'], 401, id="J-32 quoted"),
        pytest.param(["Authorization: bearer A"], 200, id="J-32 lower case"),
        pytest.param(["Authorization: BEARER A"], 200, id="J-32 upper case"),
        pytest.param(["Authorization: Bearer A", "Cookie: __session=A"], 200, id="J-31 the same"),
        pytest.param(["Authorization: Bearer A", "Cookie: __session=E"], 200, id="J-31 expired"),
        pytest.param(["Authorization: Bearer A", "Cookie: __session="], 200, id="J-31 emptied"),
    ],
)
async def test_credentials_are_one_persons_and_plain(
    places: Stage[Chatbase], lines: list[str], status: int
) -> None:
    tokens = {
        "A": places.token("alice"),
        "B": places.token("bob"),
        "F": places.token("alice")[:-4] + "AAAA",
        "E": places.token("bob", exp=1),
    }
    fill = re.compile(r"\b[ABFE]\b")
    fields = [fill.sub(lambda found: tokens[found[0]], line).encode("latin-1") for line in lines]
    answer = await places.ask(None, "POST", "/chat", HI, [*fields, SAME_ORIGIN])
    assert answer.status == status, answer.body
    if status == 200:
        only(places, "alice", "bob", "eyJ")
    else:
        refused(places, answer, status)


# A JWK Set with what must not be in it ------------------------------------------------------------


async def test_a_set_with_a_shared_secret_is_no_set(tmp_path: Path) -> None:
    """Row J-38: a secret from a URL is nobody's secret."""
    with Provider() as provider:
        secret = "s" * 48
        oct_key = {"kty": "oct", "kid": provider.issuer.kid(), "k": b64(secret.encode())}
        provider.script(JWKS, body(json.dumps({"keys": [provider.issuer.jwk(), oct_key]}).encode()))
        edit = signing_in(
            {"issuer": provider.url, "audience": "chat", "jwks_url": provider.jwks_url}
        )
        async with chatbase_stage(tmp_path, edit) as stage:
            forged = compact(
                provider.issuer.header(alg="HS256"),
                provider.issuer.claims("bob"),
                algorithm="HS256",
                key=secret.encode(),
            )
            for token in (forged, provider.issuer.token("bob")):
                answer = await stage.ask(None, "POST", "/chat", HI, [bearer(token)])
                assert answer.status in {401, 503}
                refused(stage, answer, answer.status)


async def test_a_key_the_issuer_has_for_another_algorithm_is_none_of_ours(tmp_path: Path) -> None:
    """Row J-04: well signed, by a key of the very set, by an algorithm that is not taken."""
    with Provider() as provider:
        provider.algorithms = ALGORITHMS
        settings = {"issuer": provider.url, "audience": "chat", "jwks_url": provider.jwks_url}
        edit = signing_in({**settings, "algorithms": ["ES256"]})
        async with chatbase_stage(tmp_path, edit) as stage:
            for algorithm, status in (("ES256", 200), ("RS256", 401)):
                stage.vendor.forget()
                token = provider.issuer.token("alice", algorithm=algorithm)
                answer = await stage.ask(None, "POST", "/chat", HI, [bearer(token)])
                assert answer.status == status
                assert stage.vendor.saw_nothing() == (status == 401)


# Project Wycheproof -------------------------------------------------------------------------------


def vectors() -> list[str]:
    found = []
    for file in ("signature", "key", "crypto"):
        text = corpus(f"wycheproof/json_web_{file}_test.json").read_text()
        for group in json.loads(text)["testGroups"]:
            for vector in group["tests"]:
                token = vector.get("jws") or vector.get("jwe")
                found.append(token if isinstance(token, str) else json.dumps(token))
    return found


async def test_no_vector_of_wycheproof_is_a_sign_in(signed: Signed) -> None:
    """Their signatures are judged in tests/authn/test_wycheproof.py; none may break the way in."""
    tokens = vectors()
    assert len(tokens) > 400
    for token in tokens:
        plain = token.encode("latin-1", "replace").replace(b"\n", b" ").replace(b"\r", b" ")
        line = b"Authorization: Bearer " + plain
        answer = await wire(
            signed.stage.url, signed.stage.request(None, "POST", "/chat", HI, [line])
        )
        assert answer.status in {400, 401, 431}, (answer.status, token)
    assert signed.stage.vendor.saw_nothing()
    assert (await signed.ask(signed.ours.token())).status == 200
