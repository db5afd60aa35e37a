"""One JWT sign-in from end to end: rows J and A of SECURITY.md, by truly signed tokens."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.authn import jwt
from gateway.authn.claims import JwtRules
from gateway.authn.jwk import parse_set
from gateway.authn.jwt import LONG, MAX_REMEMBERED, JwtSignIn
from gateway.authn.keys import Key, KeySource, public_keys, shared_secrets
from gateway.authn.token import MAX_TOKEN
from gateway.core.errors import (
    CredentialsExpired,
    CredentialsInvalid,
    GatewayError,
    KeysUnavailable,
    WrongOrg,
)
from gateway.core.people.identity import Person, Session, Vouched
from tests.support.ask import bearing
from tests.support.clock import WoundClock
from tests.support.tokens import ABSENT, Issuer, b64, compact, private_key, sign

pytestmark = pytest.mark.anyio

CLOCK = WoundClock()
ISSUER = Issuer(clock=CLOCK)
EVIL = Issuer("https://evil.example/", clock=CLOCK)
ALL = ("RS256", "PS256", "ES256", "ES384", "EdDSA")


class CountedKeys:
    """A `KeySource` that counts who asks; what it cannot give, it says so."""

    def __init__(self, source: KeySource) -> None:
        self.source = source
        self.asked = 0
        self.failure: GatewayError | None = None

    @property
    def algorithms(self) -> frozenset[str]:
        return self.source.algorithms

    async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return await self.source.find(kid, algorithm)


def known_keys(issuer: Issuer = ISSUER) -> CountedKeys:
    return CountedKeys(parse_set(json.dumps(issuer.jwks(*ALL)).encode()))


def sign_in(
    issuer: Issuer = ISSUER,
    *,
    keys: KeySource | None = None,
    clock: WoundClock = CLOCK,
    **changed: Any,
) -> JwtSignIn:
    said: dict[str, Any] = {
        "issuer": issuer.url,
        "audience": ("chat",),
        "algorithms": ALL,
    }
    return JwtSignIn(JwtRules(**(said | changed)), keys or known_keys(issuer), clock=clock)


async def refused(token: str, one: JwtSignIn | None = None) -> GatewayError:
    """Refused each time it is tried: a refusal is no verdict that is kept."""
    one = one or sign_in()
    errors = []
    for _ in range(2):
        with pytest.raises(GatewayError) as caught:
            await one.verify(bearing(token))
        errors.append(caught.value)
    assert errors[0].detail == errors[1].detail
    assert errors[0].status == 401
    return errors[0]


@pytest.mark.parametrize("algorithm", ALL)
async def test_a_token_names_its_person(algorithm: str) -> None:
    vouched = await sign_in().verify(bearing(ISSUER.token("alice", algorithm=algorithm)))
    assert vouched == Vouched("alice", expires_at=CLOCK.now + 300)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_token_by_shared_secret_too(algorithm: str) -> None:
    keys = shared_secrets([EVIL.secret, ISSUER.secret], (algorithm,))
    one = sign_in(keys=keys, algorithms=(algorithm,))
    identity = await one.verify(bearing(ISSUER.token("alice", algorithm=algorithm)))
    assert identity is not None
    assert identity.subject == "alice"


async def test_a_token_by_a_public_key_of_the_configuration() -> None:
    one = sign_in(keys=public_keys(ISSUER.pem("ES256")), algorithms=("ES256",))
    identity = await one.verify(bearing(ISSUER.token("alice", algorithm="ES256")))
    assert identity is not None
    await refused(EVIL.token(algorithm="ES256", iss=ISSUER.url), one)


# What an attacker signs, without the issuer's key ------------------------------------------------

CLAIMS = ISSUER.claims("bob")


def unsigned(algorithm: object) -> str:
    head = {"alg": algorithm, "typ": "JWT", "kid": ISSUER.kid()}
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(CLAIMS).encode())}."


def spellings(word: str) -> list[str]:
    return [word, word.upper(), word.title(), word.swapcase(), f" {word}", f"{word} ", f"{word}\0"]


NONE = [*spellings("none"), "nOnE", "", None, [], ["none"], {}, 0, False]


@pytest.mark.parametrize("algorithm", NONE, ids=[f"J-01 {one!r}" for one in NONE])
async def test_refuses_a_token_without_a_signature(algorithm: object) -> None:
    await refused(unsigned(algorithm))
    await refused(unsigned(algorithm) + "AAAA")
    _, _, signature = ISSUER.token().split(".")
    await refused(unsigned(algorithm) + signature)


UNKNOWN = ["hs256", "rs256", "RS1", "HS257", "RS256 ", "RS\uff12\uff15\uff16", "ES256K", "Ed25519"]


@pytest.mark.parametrize("algorithm", UNKNOWN, ids=[f"J-02 {one!r}" for one in UNKNOWN])
async def test_refuses_an_algorithm_nobody_knows(algorithm: str) -> None:
    header = ISSUER.header(alg=algorithm)
    key = private_key("RS256", f"{ISSUER.url} 1")
    await refused(compact(header, CLAIMS, algorithm="RS256", key=key))
    await refused(compact(header, CLAIMS, algorithm="HS256", key=b"k" * 32))


def public_key_spellings() -> dict[str, bytes]:
    """Row J-03: whatever a confused verifier may take for the HMAC's secret."""
    public = private_key("RS256", f"{ISSUER.url} 1").public_key()
    encode, formats = serialization.Encoding, serialization.PublicFormat
    found = {
        "PEM": public.public_bytes(encode.PEM, formats.SubjectPublicKeyInfo),
        "PKCS1 PEM": public.public_bytes(encode.PEM, formats.PKCS1),
        "DER": public.public_bytes(encode.DER, formats.SubjectPublicKeyInfo),
        "PKCS1 DER": public.public_bytes(encode.DER, formats.PKCS1),
        "SSH": public.public_bytes(encode.OpenSSH, formats.OpenSSH),
        "JWK": json.dumps(ISSUER.jwk()).encode(),
        "JWK Set": ISSUER.jwks_text().encode(),
        "n": ISSUER.jwk()["n"].encode(),
        "empty": b"",
    }
    for name, raw in list(found.items()):
        found |= {f"{name}, newline": raw.strip() + b"\n", f"{name}, none": raw.strip()}
    return found


@pytest.mark.parametrize("name", [f"J-03 {name}" for name in public_key_spellings()])
@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
async def test_refuses_the_public_key_as_a_secret(name: str, algorithm: str) -> None:
    secret = public_key_spellings()[name.removeprefix("J-03 ")]
    token = compact(ISSUER.header(alg=algorithm), CLAIMS, algorithm=algorithm, key=secret)
    await refused(token)
    pem = sign_in(keys=public_keys(ISSUER.pem()), algorithms=("RS256",))
    await refused(token, pem)


def test_secrets_and_public_keys_do_not_start_together() -> None:
    with pytest.raises(ValueError, match="never mix"):
        sign_in(algorithms=("RS256", "HS256"))
    with pytest.raises(ValueError, match="fits"):
        sign_in(algorithms=("HS256",))
    with pytest.raises(ValueError, match="fits"):
        sign_in(keys=shared_secrets([ISSUER.secret], ("HS256",)), algorithms=("RS256",))


@pytest.mark.parametrize("algorithm", ["ES384", "RS256", "EdDSA", "PS256", "ES256"])
async def test_refuses_another_algorithm_by_an_attackers_key(algorithm: str) -> None:
    """Row J-04."""
    one = sign_in(algorithms=("ES256",))
    for kid in (ISSUER.kid("ES256"), EVIL.kid(algorithm), ABSENT):
        header = {"kid": kid}
        await refused(EVIL.token(algorithm=algorithm, header=header, iss=ISSUER.url), one)


async def test_refuses_a_good_algorithm_this_sign_in_does_not_take() -> None:
    await refused(ISSUER.token(algorithm="RS256"), sign_in(algorithms=("ES256",)))


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"jwk": EVIL.jwk()}, id="J-06 jwk"),
        pytest.param({"jku": "http://127.0.0.1:9/keys"}, id="J-06 jku"),
        pytest.param({"x5u": "http://127.0.0.1:9/cert"}, id="J-06 x5u"),
        pytest.param({"x5c": ["MIIB"]}, id="J-06 x5c"),
    ],
)
async def test_refuses_a_key_the_token_brings_along(parameters: dict[str, object]) -> None:
    for kid in (ISSUER.kid(), EVIL.kid(), ABSENT):
        await refused(EVIL.token(header={"kid": kid, **parameters}, iss=ISSUER.url))


async def test_refuses_a_key_of_another_issuer() -> None:
    """Rows J-08 and K-12: both issuers call their keys the same."""
    assert ISSUER.kid() == EVIL.kid()
    await refused(EVIL.token(iss=ISSUER.url))
    assert await sign_in().verify(bearing(EVIL.token())) is None, "another's: for another sign-in"
    assert await sign_in(EVIL).verify(bearing(EVIL.token())) is not None


def broken_signatures() -> dict[str, str]:
    """Row J-12."""
    found = {}
    for algorithm in ALL:
        token = ISSUER.token("bob", algorithm=algorithm)
        message, _, signature = token.rpartition(".")
        key = private_key(algorithm, f"{ISSUER.url} 1")
        raw = bytearray(sign(algorithm, key, message.encode()))
        flipped, zeros = bytearray(raw), bytes(len(raw))
        flipped[len(raw) // 2] ^= 1
        for name, changed in {
            "one bit": bytes(flipped),
            "zeros": zeros,
            "ones": b"\xff" * len(raw),
            "truncated": bytes(raw[:-1]),
            "longer": bytes(raw) + b"\0",
            "leading zero": b"\0" + bytes(raw),
            "halves swapped": bytes(raw[len(raw) // 2 :] + raw[: len(raw) // 2]),
            "one byte": b"\0",
            "of another message": sign(algorithm, key, b"another"),
        }.items():
            found[f"{algorithm} {name}"] = f"{message}.{b64(changed)}"
        for last in "AQgw":
            found[f"{algorithm} one character, {last}"] = f"{message}.{signature}{last}"
    return found


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def psychic_signatures() -> dict[str, str]:
    """Row J-12, CVE-2022-21449: r and s that make any message verify where nobody looks."""
    message, _, _ = ISSUER.token("bob", algorithm="ES256").rpartition(".")
    found = {}
    for r in (0, 1, ORDER, ORDER - 1, ORDER + 1, 2**256 - 1):
        for s in (0, 1, ORDER, ORDER - 1, 2**256 - 1):
            raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
            found[f"r={r:x} s={s:x}"] = f"{message}.{b64(raw)}"
    der = private_key("ES256", f"{ISSUER.url} 1")
    assert isinstance(der, ec.EllipticCurvePrivateKey)
    found["DER"] = f"{message}.{b64(der.sign(message.encode(), ec.ECDSA(hashes.SHA256())))}"
    return found


BROKEN = broken_signatures() | psychic_signatures()


@pytest.mark.parametrize("name", [f"J-12 {name}" for name in BROKEN])
async def test_refuses_a_broken_signature(name: str) -> None:
    await refused(BROKEN[name.removeprefix("J-12 ")])


async def test_refuses_another_payload_under_a_good_signature() -> None:
    head, _, signature = ISSUER.token("alice").split(".")
    payload = b64(json.dumps(ISSUER.claims("bob")).encode())
    await refused(f"{head}.{payload}.{signature}")


# What the issuer signed, but not for this ---------------------------------------------------------


def issuer_twins(url: str) -> list[object]:
    """Row J-18."""
    return [
        url + "x",
        url[:-1],
        url + "/",
        url[1:],
        url.upper(),
        url.replace("https", "http"),
        url.replace("://", "://evil@"),
        url.replace("://", "://evil."),
        url.replace("acme", "\u0430cme"),
        url + "\t",
        " " + url,
        url + "\0",
        f"{url}, https://evil.example/",
        [url],
        {"iss": url},
        None,
        True,
        1,
        "",
        ABSENT,
    ]


@pytest.mark.parametrize(
    "issuer", issuer_twins(ISSUER.url), ids=lambda one: f"J-17/18 {one!r}"[:60]
)
async def test_an_issuer_is_byte_for_byte_the_configured_one(issuer: object) -> None:
    assert await sign_in().verify(bearing(ISSUER.token(iss=issuer))) is None


@pytest.mark.parametrize(
    "written",
    ["logout+jwt", "dpop+jwt", "secevent+jwt", "refresh+jwt", "JWE", "id_token", "", "JWT "],
    ids=lambda one: f"J-20 {one!r}",
)
async def test_refuses_a_token_of_another_type(written: str) -> None:
    await refused(ISSUER.token(header={"typ": written}))


@pytest.mark.parametrize(
    "written", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", ABSENT]
)
async def test_takes_the_types_of_sign_ins_in_any_spelling(written: object) -> None:
    assert await sign_in().verify(bearing(ISSUER.token(header={"typ": written}))) is not None


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": "other"}, id="J-15"),
        pytest.param({"exp": ABSENT}, id="J-14 missing"),
        pytest.param({"exp": "9999999999"}, id="J-14 string"),
        pytest.param({"sub": ABSENT}, id="J-19 missing"),
        pytest.param({"sub": 0}, id="J-19 nought"),
        pytest.param({"act": {"sub": "svc"}}, id="J-36"),
        pytest.param({"nbf": 1e12}, id="of the future"),
    ],
)
async def test_refuses_claims_that_will_not_do(claims: dict[str, object]) -> None:
    assert isinstance(await refused(ISSUER.token(**claims)), CredentialsInvalid)


@pytest.mark.parametrize(
    "written",
    [b"-0", b"1e400", b"NaN", b"Infinity", b"9" * 400, b"9" * 5000, b"1e308", b"-1e308", b"01"],
    ids=lambda one: f"J-14 {one[:10]!r}",
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "sub"])
async def test_refuses_numbers_that_parsers_read_differently(written: bytes, name: str) -> None:
    payload = json.dumps(ISSUER.claims(**{name: "@"})).encode().replace(b'"@"', written)
    if (written, name) not in {(b"-1e308", "nbf"), (b"-1e308", "iat")}:
        await refused(ISSUER.seal(payload))


async def test_says_expired_only_of_what_it_could_verify() -> None:
    expired = ISSUER.token(exp=CLOCK.now - 60)
    assert isinstance(await refused(expired), CredentialsExpired)
    forged = EVIL.token(iss=ISSUER.url, exp=CLOCK.now - 60)
    assert isinstance(await refused(forged), CredentialsInvalid)


async def test_one_verification_does_for_every_org() -> None:
    keys = known_keys()
    one = sign_in(keys=keys, org_claim="org_id", may_vouch_for=lambda org: org != "org_3")
    token = ISSUER.token("alice", org_id=["org_1", "org_2", "org_3"])
    for org in ("org_1", "org_2"):
        vouched = await one.verify(bearing(token))
        assert vouched is not None
        assert vouched.within(org).person == Person(org, "alice")
    for org in ("org_3", "org_4"):
        with pytest.raises(WrongOrg):
            vouched.within(org)
    assert keys.asked == 1


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b'{"a":' * 1500 + b"1" + b"}" * 1500, id="J-35 deep"),
        pytest.param(b"[" * 11_000, id="J-35 lists"),
        pytest.param(b"{" + b'"a":0,' * 1800 + b'"a":0}', id="J-35 one name, many times"),
    ],
)
async def test_a_costly_token_costs_little(payload: bytes) -> None:
    token = ISSUER.seal(payload)
    assert len(token) <= MAX_TOKEN
    started = time.process_time()
    assert "JSON" in (await refused(token)).detail
    assert time.process_time() - started < 0.1


async def test_a_token_beyond_16_kib_is_refused_unread() -> None:
    """Row J-30."""
    keys = known_keys()
    await refused(ISSUER.token(claim="x" * 12_300), sign_in(keys=keys))
    long, one = "a" * 50_000_000, sign_in(keys=keys)
    started = time.process_time()
    await refused(long, one)
    assert time.process_time() - started < 0.02, "not even hashed"
    assert keys.asked == 0
    assert await sign_in().verify(bearing(ISSUER.token(claim="x" * 8_000))) is not None


# What is remembered -------------------------------------------------------------------------------


async def test_a_verified_token_is_remembered_for_a_minute() -> None:
    clock = WoundClock()
    keys = known_keys()
    one = sign_in(keys=keys, clock=clock)
    token = ISSUER.token(exp=int(clock.now) + 3600)
    first = await one.verify(bearing(token))
    clock.now += 59.9
    assert await one.verify(bearing(token)) is first
    assert keys.asked == 1
    clock.now += 0.1
    await one.verify(bearing(token))
    assert keys.asked == 2


@pytest.mark.parametrize("leeway", [0.0, 30.0])
async def test_a_remembered_token_expires_in_time(leeway: float) -> None:
    """Row A-08; and no sooner."""
    clock = WoundClock()
    keys = known_keys()
    one = sign_in(keys=keys, clock=clock, leeway=leeway)
    token = ISSUER.token(exp=int(clock.now) + 1)
    await one.verify(bearing(token))
    clock.now += 0.9 + leeway
    await one.verify(bearing(token))
    assert keys.asked == 1
    clock.now += 0.1
    with pytest.raises(CredentialsExpired):
        await one.verify(bearing(token))


async def test_a_clock_set_back_does_not_stretch_the_minute() -> None:
    clock = WoundClock()
    keys = known_keys()
    one = sign_in(keys=keys, clock=clock)
    token = ISSUER.token(exp=int(clock.now) + 7200, iat=ABSENT)
    await one.verify(bearing(token))
    clock.now -= 3600
    await one.verify(bearing(token))
    assert keys.asked == 2


def near_twins(token: str) -> dict[str, str]:
    """Rows A-01 and A-02: what a shortened or normalised cache key takes for the token."""
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    return {
        "extended by a dot": token + ".",
        "extended by padding": token + "=",
        "extended": token + "A",
        "truncated": token[:-1],
        "without its head": token[1:],
        "other in the middle": token[:middle] + other + token[middle + 1 :],
        "other at the end": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "swapped case": token.swapcase(),
        "space before": " " + token,
        "newline after": token + "\n",
        "in latin-1": token + "\xe9",
    }


@pytest.mark.parametrize("name", near_twins(ISSUER.token()))
async def test_a_remembered_token_answers_for_no_other(name: str) -> None:
    token = ISSUER.token()
    one = sign_in()
    await one.verify(bearing(token))
    await refused(near_twins(token)[name], one)


async def test_tokens_that_begin_and_end_alike_are_two_people() -> None:
    """Row A-01."""
    one = sign_in(keys=shared_secrets([ISSUER.secret], ("HS256",)), algorithms=("HS256",))
    long = "x" * 4000
    for person in ("alice", "bobby", "alice"):
        claims = {"pad": long} | ISSUER.claims(person) | {"zz": long}
        identity = await one.verify(bearing(ISSUER.seal(claims, algorithm="HS256")))
        assert identity is not None
        assert identity.subject == person


async def test_what_one_sign_in_remembers_is_nothing_to_another() -> None:
    """Row A-03: another audience, other orgs, other keys."""
    token = ISSUER.token(org_id="org_1")
    assert await sign_in().verify(bearing(token)) is not None
    await refused(token, sign_in(audience=("other",)))
    await refused(token, sign_in(keys=known_keys(EVIL)))
    first, second = (
        await sign_in().verify(bearing(token)),
        await sign_in(org_claim="org_id").verify(bearing(token)),
    )
    assert first is not None
    assert second is not None
    assert (first.orgs, second.orgs) == (None, {"org_1"})


async def test_an_error_is_never_remembered_as_a_verdict() -> None:
    """Rows A-12 and A-15."""
    keys = known_keys()
    one = sign_in(keys=keys)
    token = ISSUER.token()
    for failure in (KeysUnavailable(), CredentialsInvalid()):
        keys.failure = failure
        with pytest.raises(type(failure)):
            await one.verify(bearing(token))
    keys.failure = None
    assert await one.verify(bearing(token)) is not None


async def test_a_flood_of_junk_pushes_nothing_out() -> None:
    """Row A-07."""
    keys = known_keys()
    one = sign_in(keys=keys)
    token = ISSUER.token()
    await one.verify(bearing(token))
    asked = keys.asked
    message, _, signature = token.rpartition(".")
    for index in range(MAX_REMEMBERED // 10):
        with pytest.raises(CredentialsInvalid):
            await one.verify(bearing(f"{message}{index}.{signature}"))
    asked = keys.asked - asked
    await one.verify(bearing(token))
    assert keys.asked == 1 + asked


async def test_people_who_come_at_once_get_their_own_answers() -> None:
    """Row A-06, with keys that take their time and callers that leave."""

    class SlowKeys(CountedKeys):
        async def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
            await asyncio.sleep(len(asyncio.all_tasks()) % 7 / 1000)
            return await super().find(kid, algorithm)

    one = sign_in(keys=SlowKeys(known_keys()))
    people = [f"person-{index}" for index in range(50)]

    async def ask(person: str) -> None:
        for _ in range(4):
            identity = await one.verify(bearing(ISSUER.token(person, algorithm="EdDSA")))
            assert identity is not None
            assert identity.subject == person

    tasks = [asyncio.create_task(ask(person)) for person in people * 2]
    await asyncio.sleep(0.005)
    for task in tasks[::3]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(one is None or isinstance(one, asyncio.CancelledError) for one in answers)


async def test_what_no_field_can_hold_is_refused_like_any_other() -> None:
    assert (await refused("a.b.\ud800")).code == "credentials_invalid"


def test_the_limits_are_these() -> None:
    assert jwt.REMEMBERED == 60
    assert jwt.MAX_REMEMBERED == 10_000
    assert jwt.LONG == 2048


async def test_no_more_tokens_are_remembered_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwt, "MAX_REMEMBERED", 3)
    clock = WoundClock()
    one = sign_in(clock=clock)
    tokens = [ISSUER.token(f"person-{number}", exp=int(clock.now) + 3600) for number in range(5)]
    for token in [*tokens, tokens[4]]:
        await one.verify(bearing(token))
    assert [one.recall(token) is not None for token in tokens] == [False, False, True, True, True]
    clock.now += 60
    await one.verify(bearing(tokens[2]))  # anew: it is the latest then
    await one.verify(bearing(tokens[0]))
    assert one.recall(tokens[2]) is not None
    assert len(one._verified) == 3


@pytest.mark.parametrize("length", [0, 4000], ids=["short", "long"])
async def test_recalls_what_it_has_verified_and_nothing_else(length: int) -> None:
    one = sign_in()
    token = ISSUER.token("alice", pad="x" * length)
    assert one.recall(token) is None
    vouched = await one.verify(bearing(token))
    assert one.recall(token) is vouched
    for twin in near_twins(token).values():
        assert one.recall(twin) is None
    (name,) = one._verified
    assert len(name) == (32 if length else len(token))


async def test_what_is_refused_is_not_recalled() -> None:
    one = sign_in()
    for token in (ISSUER.token(aud="other"), EVIL.token(iss=ISSUER.url), "junk", "x" * 50_000):
        with pytest.raises(CredentialsInvalid):
            await one.verify(bearing(token))
        assert one.recall(token) is None
    assert await one.verify(bearing(EVIL.token())) is None
    assert not one._verified


async def test_a_token_of_16_kib_is_read() -> None:
    assert "longer" not in (await refused("a" * MAX_TOKEN)).detail
    assert "longer" in (await refused("a" * (MAX_TOKEN + 1))).detail


class Ended:
    """A `Sessions` that knows which have ended."""

    def __init__(self) -> None:
        self.of: set[str | None] = set()

    def check(self, session: Session) -> None:
        if session.id in self.of:
            raise CredentialsExpired


async def test_a_session_that_has_ended_is_asked_about_each_time() -> None:
    """Though its token was verified before, and is recalled."""
    sessions = Ended()
    rules = JwtRules(issuer=ISSUER.url, audience=("chat",), algorithms=ALL, realm="acme")
    one = JwtSignIn(rules, known_keys(), clock=CLOCK, sessions=sessions)
    token, other = (ISSUER.token("alice", sid=sid) for sid in ("s1", "s2"))
    assert await one.verify(bearing(token)) is one.recall(token)
    sessions.of.add("s1")
    for _ in range(2):
        with pytest.raises(CredentialsExpired):
            await one.verify(bearing(token))
        with pytest.raises(CredentialsExpired):
            one.recall(token)
    with pytest.raises(CredentialsExpired):  # never seen before
        await one.verify(bearing(ISSUER.token("alice", sid="s1", jti="another")))
    assert await one.verify(bearing(other)) is one.recall(other)


@pytest.mark.parametrize("length", [1, LONG + 1])
def test_what_has_no_utf_8_was_never_verified(length: int) -> None:
    assert sign_in().recall("\ud800" * length) is None
