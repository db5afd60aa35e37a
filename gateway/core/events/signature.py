"""How somebody who calls us proves that it is they: a shared token, or a signature over the body.

Signatures are over the bytes as they came, never over what was read of them, and are compared in
constant time. A list of secrets is for changing them: each is good.

| form | says | against a replay |
|---|---|---|
| `Bearer` | the token itself | nothing |
| `Hmac` | hex of an HMAC over the body, in a field of the vendor's choice | nothing |
| `StandardWebhooks` | HMAC-SHA-256 over id, time and body | five minutes, an id |
"""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.core.errors import CredentialsExpired, CredentialsInvalid, CredentialsMissing
from gateway.core.formats import fields as http
from gateway.core.formats.fields import Fields

TOLERANCE = 300  # seconds a time stamp may be off, either way
MAX_SIGNATURES = 10  # of one message; more are no rotation

_ID = re.compile(rb"[\x21-\x7e]{1,256}")
_SECONDS = re.compile(rb"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Bearer:
    tokens: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hmac:
    algorithm: Literal["sha1", "sha256"]
    stands_in: str  # a field, lower case
    secrets: tuple[bytes, ...] = field(repr=False)
    prefix: str = ""  # what stands before the hex: "sha256="


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    secrets: tuple[bytes, ...] = field(repr=False)


Check: TypeAlias = Bearer | Hmac | StandardWebhooks


@dataclass(frozen=True, slots=True)
class Proven:
    """Who calls is who they say. `id` is the message's own, where it is signed along."""

    id: str | None = None


def verify(check: Check, fields: Fields, body: bytes, *, now: float) -> Proven:
    """Whether `body` is from whom we share a secret with.

    Raises:
        CredentialsMissing, CredentialsInvalid: it is not, as far as anybody can tell.
        CredentialsExpired: it is old, or from the future.
        BadRequest: a field that may stand once stands twice.
    """
    match check:
        case Bearer(tokens):
            return _verify_bearer(tokens, fields)
        case Hmac():
            return _verify_hmac(check, fields, body)
        case StandardWebhooks(secrets):
            return _verify_standard(secrets, fields, body, now)


def sign_standard(secret: bytes, *, id: str, at: int, body: bytes) -> str:  # noqa: A002 - its name
    """The value of `webhook-signature` for a message of ours."""
    return "v1," + base64.b64encode(_standard(secret, id.encode(), str(at).encode(), body)).decode()


def webhook_secret(written: str) -> bytes:
    """The key that a Standard Webhooks secret means: `whsec_` and base64.

    Raises:
        ValueError: it is none, or shorter than 24 bytes.
    """
    try:
        key = base64.b64decode(written.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("must be whsec_ and base64") from error
    if not 24 <= len(key) <= 64:
        raise ValueError("must hold 24 to 64 bytes: whsec_ and `openssl rand -base64 32`")
    return key


def _verify_bearer(tokens: tuple[str, ...], fields: Fields) -> Proven:
    shown = http.bearer(fields)
    if shown is None:
        raise CredentialsMissing
    if not _is_one_of([shown.encode()], [token.encode() for token in tokens]):
        raise CredentialsInvalid("The token is not the one this caller was given")
    return Proven()


def _verify_hmac(check: Hmac, fields: Fields, body: bytes) -> Proven:
    shown = http.single(fields, check.stands_in.encode("ascii"))
    if shown is None:
        raise CredentialsMissing(f"The field {check.stands_in} with a signature is missing")
    expected = [
        (check.prefix + hmac.new(secret, body, check.algorithm).hexdigest()).encode("ascii")
        for secret in check.secrets
    ]
    if not _is_one_of([shown], expected):
        raise CredentialsInvalid("The signature is not one of this caller's, over these bytes")
    return Proven()


def _verify_standard(secrets: tuple[bytes, ...], fields: Fields, body: bytes, now: float) -> Proven:
    message, stamp, shown = (
        http.single(fields, name)
        for name in (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
    )
    if message is None or stamp is None or shown is None:
        raise CredentialsMissing("webhook-id, webhook-timestamp and webhook-signature are needed")
    if not _ID.fullmatch(message) or not _SECONDS.fullmatch(stamp):
        raise CredentialsInvalid("The message's id or time is malformed")
    signatures = shown.split(b" ")
    if len(signatures) > MAX_SIGNATURES:
        raise CredentialsInvalid("The message has more than ten signatures")
    expected = [
        b"v1," + base64.b64encode(_standard(secret, message, stamp, body)) for secret in secrets
    ]
    if not _is_one_of(signatures, expected):
        raise CredentialsInvalid("The signature is not one of this caller's, over these bytes")
    if abs(now - int(stamp)) > TOLERANCE:
        raise CredentialsExpired("The message is older than five minutes, or of the future")
    return Proven(message.decode("ascii"))


def _is_one_of(shown: Sequence[bytes], expected: Sequence[bytes]) -> bool:
    """All are compared, whichever fits: the time tells nothing of which."""
    found = False
    for one in shown:
        for own in expected:
            found |= hmac.compare_digest(one, own)
    return found


def _standard(secret: bytes, message: bytes, stamp: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b".".join([message, stamp, body]), "sha256")
