"""Rows J of SECURITY.md section 2.1 that a token's form alone decides."""

import base64
import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.authn import token
from gateway.authn.token import MAX_TOKEN, parse
from gateway.core.errors import CredentialsInvalid
from tests.support.tokens import ABSENT, Issuer, b64

ISSUER = Issuer()
GOOD = ISSUER.token()


def refused(credential: str) -> str:
    """The refusal's words; none of them are the token's."""
    with pytest.raises(CredentialsInvalid) as caught:
        parse(credential)
    assert caught.value.status == 401
    for part in credential.split("."):
        assert len(part) < 8 or part not in caught.value.detail
    return caught.value.detail


def with_header(raw: bytes) -> str:
    return f"{b64(raw)}.{GOOD.split('.', 1)[1]}"


def with_payload(raw: bytes) -> str:
    head, _, signature = GOOD.split(".")
    return f"{head}.{b64(raw)}.{signature}"


def test_a_token_is_taken_apart() -> None:
    token = parse(GOOD)
    assert token.algorithm == "RS256"
    assert token.kid == "rs256-1"
    assert token.type == "jwt"
    assert token.claims["sub"] == "alice"
    assert token.signed.decode() == GOOD.rpartition(".")[0]
    assert b64(token.signature) == GOOD.rpartition(".")[2]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"crit": ["exp"]}, id="J-09 crit"),
        pytest.param({"crit": []}, id="J-09 crit empty"),
        pytest.param({"crit": "x"}, id="J-09 crit a string"),
        pytest.param({"crit": ["b64"], "b64": True}, id="J-09 crit b64"),
        pytest.param({"b64": False}, id="J-10 b64"),
        pytest.param({"b64": True}, id="J-10 b64 true"),
        pytest.param({"jwk": ISSUER.jwk()}, id="J-06 jwk"),
        pytest.param({"jku": "https://evil.example/keys"}, id="J-06 jku"),
        pytest.param({"x5u": "https://evil.example/cert"}, id="J-06 x5u"),
        pytest.param({"x5c": ["MIIB"]}, id="J-06 x5c"),
        pytest.param({"zip": "DEF"}, id="J-11 zip"),
        pytest.param({"enc": "A256GCM"}, id="J-11 enc"),
        pytest.param({"p2c": 2**31, "p2s": "AA"}, id="J-11 PBES2"),
        pytest.param({"cty": "JWT"}, id="J-11 nested"),
        pytest.param({"epk": {}}, id="J-11 a key to agree on"),
        pytest.param({"p2s": "AA"}, id="J-11 PBES2 salt alone"),
        pytest.param({"p2c": 1}, id="J-11 PBES2 count alone"),
        pytest.param({"jwk": None}, id="J-06 null is there too"),
        pytest.param({"kid": 1}, id="kid a number"),
        pytest.param({"kid": None}, id="kid null"),
        pytest.param({"kid": ""}, id="kid empty"),
        pytest.param({"kid": ["rs256-1"]}, id="kid a list"),
        pytest.param({"kid": "k" * 257}, id="kid too long"),
        pytest.param({"typ": 1}, id="J-20 typ a number"),
        pytest.param({"typ": None}, id="J-20 typ null"),
        pytest.param({"typ": ["JWT"]}, id="J-20 typ a list"),
        pytest.param({"alg": ABSENT}, id="J-01 no alg"),
        pytest.param({"alg": None}, id="J-01 alg null"),
        pytest.param({"alg": ["RS256"]}, id="J-01 alg a list"),
        pytest.param({"alg": {"RS256": 1}}, id="J-01 alg an object"),
    ],
)
def test_refuses_a_header_that_says_how_to_verify_it(parameters: dict[str, object]) -> None:
    refused(ISSUER.token(header=parameters))


@pytest.mark.parametrize("name", ["x5t", "x5t#S256", "nonce", "unknown"])
def test_a_header_parameter_that_changes_nothing_is_ignored(name: str) -> None:
    assert parse(ISSUER.token(header={name: "abc"})).claims["sub"] == "alice"


@pytest.mark.parametrize("written", ["JWT", "jwt", "application/JWT", "Application/jwt"])
def test_a_type_has_one_spelling_here(written: str) -> None:
    assert parse(ISSUER.token(header={"typ": written})).type == "jwt"


def respellings(token: str) -> dict[str, str]:
    """Other texts that one decoder or another reads as the same token."""
    head, payload, signature = token.split(".")
    spaced = payload[:10] + "{}" + payload[10:]
    found = {
        "newline at the end": token + "\n",
        "newline before": "\n" + token,
        "space before": " " + token,
        "space after": token + " ",
        "NUL after": token + "\0",
        "no-break space": "\xa0" + token,
        "percent dot": token.replace(".", "%2E", 1),
        "full stops of other scripts": token.replace(".", "\u3002", 1),
        "quoted": f'"{token}"',
        "dot after": token + ".",
        "dot before": "." + token,
        "signature stripped": f"{head}.{payload}.",
        "signature left out": f"{head}.{payload}",
        "detached": f"{head}..{signature}",
        "no header": f".{payload}.{signature}",
    }
    for name, inner in {"space": " ", "newline": "\n", "tab": "\t", "CRLF": "\r\n"}.items():
        found[f"{name} within"] = f"{head}.{spaced.replace('{}', inner)}.{signature}"
    for index, part in enumerate(("header", "payload", "signature")):
        parts = token.split(".")
        for padding in ("=", "==", "==="):
            parts[index] = token.split(".")[index] + padding
            found[f"{part} padded {padding}"] = ".".join(parts)
        if part != "signature":  # there it is another signature, and not wrong in form
            parts[index] = token.split(".")[index] + "A"
            found[f"{part} one character longer"] = ".".join(parts)
    standard = base64.b64encode(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
    if standard.rstrip(b"=").decode() != signature:
        found["alphabet with + and /"] = f"{head}.{payload}.{standard.rstrip(b'=').decode()}"
    return found


RESPELT = respellings(GOOD)


@pytest.mark.parametrize("name", RESPELT)
def test_one_token_has_one_byte_form(name: str) -> None:
    """Row J-13."""
    refused(RESPELT[name])


def test_bits_beyond_the_last_byte_make_no_second_form() -> None:
    """Row J-13: up to fifteen other texts decode to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    tried = 0
    for algorithm in ("RS256", "ES256", "EdDSA", "HS256"):
        token = ISSUER.token(algorithm=algorithm)
        for index, part in enumerate(token.split(".")):
            for last in alphabet.replace(part[-1], ""):
                parts = token.split(".")
                parts[index] = part[:-1] + last
                decoded = base64.urlsafe_b64decode(parts[index] + "=" * (-len(part) % 4))
                if decoded == base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)):
                    refused(".".join(parts))
                    tried += 1
    assert tried > 20


CLAIMS = json.dumps(ISSUER.claims())


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(CLAIMS.encode("utf-16"), id="J-13 UTF-16"),
        pytest.param(CLAIMS.encode("utf-32"), id="J-13 UTF-32"),
        pytest.param(CLAIMS.encode("utf-8-sig"), id="J-13 byte order mark"),
        pytest.param(b'{"sub":"alice","sub":"bob"}', id="a claim twice"),
        pytest.param(b'{"sub":"alice","s\\u0075b":"bob"}', id="a claim twice, one escaped"),
        pytest.param(b'{"a":{"sub":"alice","sub":"bob"}}', id="twice, further down"),
        pytest.param(b'{"sub":"\\ud800"}', id="J-21 half a surrogate pair"),
        pytest.param(b'{"sub":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"exp":NaN}', id="J-14 NaN"),
        pytest.param(b'{"exp":Infinity}', id="J-14 Infinity"),
        pytest.param(b'{"exp":1e400}', id="J-14 1e400"),
        pytest.param(b'{"exp":' + b"9" * 400 + b"}", id="J-14 400 digits"),
        pytest.param(b"[" * 6000, id="J-35 deep"),
        pytest.param(b'{"a":' * 2000 + b"1" + b"}" * 2000, id="J-35 deep objects"),
        pytest.param(CLAIMS.encode() + b"{}", id="a second text"),
        pytest.param(b'["alice"]', id="a list"),
        pytest.param(b'"alice"', id="a string"),
        pytest.param(b"null", id="null"),
        pytest.param(b"1", id="a number"),
        pytest.param(b"alice", id="no JSON"),
    ],
)
def test_refuses_a_payload_two_parsers_could_read_differently(payload: bytes) -> None:
    refused(with_payload(payload))
    refused(with_header(payload))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("opaque", id="J-29 one part"),
        pytest.param("a.b", id="J-29 two parts"),
        pytest.param("a.b.c.d", id="J-29 four parts"),
        pytest.param("a.b.c.d.e", id="J-11 five parts, a JWE"),
        pytest.param(".".join("a" * 5000), id="J-29 5,000 parts"),
        pytest.param("." * 10_000_000, id="J-29 10 MB of dots"),
        pytest.param("a" * 1_000_000 + ".b.c", id="J-30 1 MB"),
        pytest.param(f"{GOOD}{'A' * MAX_TOKEN}", id="J-30 longer than 16 KiB"),
        pytest.param(json.dumps({"payload": "", "signatures": []}), id="J-10 JSON, general"),
        pytest.param(json.dumps({"payload": "", "signature": ""}), id="J-10 JSON, flattened"),
        pytest.param("undefined", id="a script's undefined"),
        pytest.param("v4.public.eyJzdWIiOiJib2IifQ", id="PASETO"),
    ],
)
def test_refuses_what_is_no_jwt_before_it_costs_anything(token: str) -> None:
    started = time.process_time()
    with pytest.raises(CredentialsInvalid):
        parse(token)
    assert time.process_time() - started < 0.05


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_refused(text: str) -> None:
    with suppress(CredentialsInvalid):
        parse(text)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="latin-1"))
def test_any_change_is_refused_or_seen_in_what_is_verified(at: int, character: str) -> None:
    """No change stays outside of what the signature covers."""
    changed = GOOD[:at] + character + GOOD[at + 1 :]
    try:
        token = parse(changed)
    except CredentialsInvalid:
        return
    same = (token.signed, token.signature) == (parse(GOOD).signed, parse(GOOD).signature)
    assert same == (changed == GOOD)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize("letter", LETTERS)
def test_a_part_may_end_in_any_letter(letter: str) -> None:
    signature = f"AAA{letter}"
    assert b64(parse(f"{GOOD.rpartition('.')[0]}.{signature}").signature) == signature


@pytest.mark.parametrize(("part", "name"), [(0, "header"), (1, "payload"), (2, "signature")])
def test_a_refusal_says_which_part_is_wrong(part: int, name: str) -> None:
    parts = GOOD.split(".")
    parts[part] = "A"
    assert f"token's {name} is" in refused(".".join(parts))


def test_a_claim_may_be_called_what_a_parameter_of_the_header_must_not() -> None:
    claims = {"zip": "12345", "jwk": {}, "cty": "town"}
    assert parse(with_payload(json.dumps(claims).encode())).claims == claims


def test_a_token_may_be_of_the_largest_size() -> None:
    head, payload, _ = GOOD.split(".")
    room = MAX_TOKEN - len(head) - len(payload) - 2
    signature = "A" * (room - room % 4)
    longest = f"{head}{'A' * (room % 4)}.{payload}.{signature}"
    assert len(longest) == MAX_TOKEN
    assert "longer" not in refused(longest) if room % 4 else parse(longest)
    assert "longer" in refused(longest + "A")


@pytest.mark.parametrize("kid", ["k", "k" * 256])
def test_a_key_id_may_be_short_or_long(kid: str) -> None:
    assert parse(with_header(json.dumps({"alg": "RS256", "kid": kid}).encode())).kid == kid


def test_the_limits_are_these() -> None:
    assert token.MAX_TOKEN == 16 * 1024
    assert token.MAX_KID == 256
