"""Who calls us proves that it is they; rows W-01 to W-06."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gateway.core.errors import (
    BadRequest,
    CredentialsExpired,
    CredentialsInvalid,
    CredentialsMissing,
    GatewayError,
)
from gateway.core.events.signature import (
    TOLERANCE,
    Bearer,
    Check,
    Hmac,
    Proven,
    StandardWebhooks,
    sign_standard,
    verify,
    webhook_secret,
)

NOW = 1_800_000_000
BODY = b'{"user":"alice"}'
WRITTEN = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDE="
OTHER = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtMDAwMDI="
KEY = webhook_secret(WRITTEN)
SHA256 = Hmac("sha256", "x-signature", (b"k" * 32, b"old" * 11), "sha256=")
SHA1 = Hmac("sha1", "x-signature", (b"k" * 32,))
STANDARD = StandardWebhooks((KEY, webhook_secret(OTHER)))
TOKEN = Bearer(("t" * 32, "u" * 32))

Lines = list[tuple[bytes, bytes]]


def hexed(secret: bytes, body: bytes = BODY, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret, body, getattr(hashlib, algorithm)).hexdigest().encode()


def standard(
    body: bytes = BODY, *, at: int = NOW, id_: str = "msg_1", secret: bytes = KEY
) -> Lines:
    return [
        (b"webhook-id", id_.encode()),
        (b"webhook-timestamp", str(at).encode()),
        (b"webhook-signature", sign_standard(secret, id=id_, at=at, body=body).encode()),
    ]


GOOD: list[tuple[Check, Lines]] = [
    (TOKEN, [(b"authorization", b"Bearer " + b"t" * 32)]),
    (TOKEN, [(b"authorization", b"bearer " + b"u" * 32)]),
    (SHA256, [(b"x-signature", b"sha256=" + hexed(b"k" * 32))]),
    (SHA256, [(b"x-signature", b"sha256=" + hexed(b"old" * 11))]),
    (SHA1, [(b"x-signature", hexed(b"k" * 32, algorithm="sha1"))]),
    (STANDARD, standard()),
    (STANDARD, standard(secret=webhook_secret(OTHER))),
]


@pytest.mark.parametrize(("check", "fields"), GOOD)
def test_a_true_caller_is_believed(check: Check, fields: Lines) -> None:
    assert isinstance(verify(check, fields, BODY, now=NOW), Proven)


def test_the_field_s_own_library_signs_as_we_verify_and_verifies_as_we_sign() -> None:
    hook = Webhook(WRITTEN)
    at = datetime.fromtimestamp(NOW, tz=UTC)
    theirs = hook.sign("msg_9", at, BODY.decode())
    fields = [*standard(id_="msg_9")[:2], (b"webhook-signature", theirs.encode())]
    assert verify(STANDARD, fields, BODY, now=NOW) == Proven("msg_9")
    now = int(datetime.now(tz=UTC).timestamp())
    ours = {name.decode(): value.decode() for name, value in standard(at=now)}
    assert hook.verify(BODY, ours) == json.loads(BODY)


MANY = b"v1,AA " * 10
FORGED: list[tuple[str, Check, Lines]] = [
    ("W-01 other token", TOKEN, [(b"authorization", b"Bearer " + b"x" * 32)]),
    ("W-01 half a token", TOKEN, [(b"authorization", b"Bearer ttt")]),
    ("W-01 other secret", SHA256, [(b"x-signature", b"sha256=" + hexed(b"x" * 32))]),
    ("W-01 empty secret", SHA256, [(b"x-signature", b"sha256=" + hexed(b""))]),
    ("W-01 no prefix", SHA256, [(b"x-signature", hexed(b"k" * 32))]),
    ("W-01 other prefix", SHA256, [(b"x-signature", b"v0=" + hexed(b"k" * 32))]),
    ("W-01 upper case", SHA256, [(b"x-signature", b"sha256=" + hexed(b"k" * 32).upper())]),
    ("W-01 cut", SHA256, [(b"x-signature", b"sha256=" + hexed(b"k" * 32)[:-2])]),
    ("W-01 longer", SHA256, [(b"x-signature", b"sha256=" + hexed(b"k" * 32) + b"00")]),
    ("W-01 weaker", SHA256, [(b"x-signature", b"sha256=" + hexed(b"k" * 32, algorithm="sha1"))]),
    ("W-01 empty", SHA256, [(b"x-signature", b"")]),
    ("W-01 other scheme", STANDARD, [*standard()[:2], (b"webhook-signature", b"v0,AAAA")]),
    ("W-01 no id signed", STANDARD, [(b"webhook-id", b"msg_2"), *standard()[1:]]),
    ("W-01 other time", STANDARD, [standard()[0], standard(at=NOW + 1)[1], standard()[2]]),
    (
        "W-01 time no number",
        STANDARD,
        [standard()[0], (b"webhook-timestamp", b"now"), standard()[2]],
    ),
    (
        "W-04 too many",
        STANDARD,
        [*standard()[:2], (b"webhook-signature", b"v1,AA " * 10 + standard()[2][1])],
    ),
]


@pytest.mark.parametrize(
    ("check", "fields"), [row[1:] for row in FORGED], ids=[row[0] for row in FORGED]
)
def test_what_is_forged_is_refused(check: Check, fields: Lines) -> None:
    with pytest.raises(CredentialsInvalid):
        verify(check, fields, BODY, now=NOW)


@pytest.mark.parametrize("missing", range(3))
def test_a_part_that_is_missing_is_said(missing: int) -> None:
    fields = [one for number, one in enumerate(standard()) if number != missing]
    with pytest.raises(CredentialsMissing):
        verify(STANDARD, fields, BODY, now=NOW)


@pytest.mark.parametrize(
    ("id_", "at"),
    [
        (b"", b"1800000000"),
        (b"a b", b"1800000000"),
        (b"msg_1\xff", b"1800000000"),
        (b"x" * 257, b"1800000000"),
        (b"msg_1", b""),
        (b"msg_1", b"-1800000000"),
        (b"msg_1", b"1800000000.0"),
        (b"msg_1", b"18000000000000"),
        (b"msg_1", b"1_800_000_000"),
    ],
)
def test_an_id_or_time_of_another_form_is_refused_even_where_it_is_signed(
    id_: bytes, at: bytes
) -> None:
    said = hmac.digest(KEY, b".".join([id_, at, BODY]), "sha256")
    fields = [(b"webhook-id", id_), (b"webhook-timestamp", at)]
    fields.append((b"webhook-signature", b"v1," + base64.b64encode(said)))
    with pytest.raises(CredentialsInvalid, match="malformed"):
        verify(STANDARD, fields, BODY, now=NOW)


def test_ten_signatures_are_looked_at() -> None:
    fields = [*standard()[:2], (b"webhook-signature", b"v1,AA " * 9 + standard()[2][1])]
    assert verify(STANDARD, fields, BODY, now=NOW) == Proven("msg_1")


@pytest.mark.parametrize("check", [TOKEN, SHA256, STANDARD])
def test_what_is_not_signed_is_refused(check: Check) -> None:
    with pytest.raises(CredentialsMissing):
        verify(check, [], BODY, now=NOW)


@pytest.mark.parametrize(("check", "fields"), GOOD[2:])
@pytest.mark.parametrize(
    "body", [BODY + b" ", b" " + BODY, b"\xef\xbb\xbf" + BODY, b"", b'{ "user": "alice" }']
)
def test_a_signature_is_over_the_bytes(check: Check, fields: Lines, body: bytes) -> None:
    """Row W-03."""
    with pytest.raises(CredentialsInvalid):
        verify(check, fields, body, now=NOW)


@pytest.mark.parametrize("off", [-TOLERANCE - 1, TOLERANCE + 1, -(10**9)])
def test_an_old_message_and_one_of_the_future_are_refused(off: int) -> None:
    """Row W-02."""
    with pytest.raises(CredentialsExpired):
        verify(STANDARD, standard(at=NOW + off), BODY, now=NOW)
    assert verify(STANDARD, standard(at=NOW - TOLERANCE), BODY, now=NOW) == Proven("msg_1")


def test_one_good_signature_of_several_will_do() -> None:
    """Row W-04."""
    shown = b"v1,AAAA v2,BBBB " + standard()[2][1]
    fields = [*standard()[:2], (b"webhook-signature", shown)]
    assert verify(STANDARD, fields, BODY, now=NOW) == Proven("msg_1")


@pytest.mark.parametrize(("check", "fields"), GOOD)
def test_two_signatures_in_two_fields_are_none(check: Check, fields: Lines) -> None:
    with pytest.raises(BadRequest):
        verify(check, [*fields, fields[-1]], BODY, now=NOW)


@given(st.binary(max_size=64), st.binary(max_size=80))
def test_nothing_made_up_passes_or_fails_in_another_way(value: bytes, body: bytes) -> None:
    for check in (SHA256, STANDARD, TOKEN):
        fields = [(name, value) for name in (b"x-signature", b"authorization")]
        fields += [(b"webhook-id", value), (b"webhook-timestamp", value)]
        fields += [(b"webhook-signature", value)]
        with pytest.raises(GatewayError):
            verify(check, fields, body, now=NOW)


@pytest.mark.parametrize(
    "written", ["", "whsec_", "whsec_!!", "whsec_c2hvcnQ=", "whsec_" + "A" * 96]
)
def test_a_weak_secret_is_none(written: str) -> None:
    with pytest.raises(ValueError, match="must"):
        webhook_secret(written)


def test_no_secret_is_shown() -> None:
    for check in (TOKEN, SHA256, SHA1, STANDARD):
        assert "ttt" not in repr(check)
        assert "kkk" not in repr(check)
        assert "c2Vj" not in repr(check)


@pytest.mark.parametrize(("size", "may"), [(23, False), (24, True), (64, True), (65, False)])
def test_a_secret_of_standard_webhooks_has_24_to_64_bytes(size: int, may: bool) -> None:
    written = "whsec_" + base64.b64encode(b"k" * size).decode()
    if may:
        assert webhook_secret(written) == b"k" * size
        return
    with pytest.raises(ValueError, match="24 to 64"):
        webhook_secret(written)


def test_a_secret_that_is_no_base_64_is_none() -> None:
    with pytest.raises(ValueError, match="base64"):
        webhook_secret(WRITTEN[:20] + "!" + WRITTEN[20:])


@pytest.mark.parametrize("check", [TOKEN, SHA256, STANDARD])
def test_secrets_are_not_shown(check: Check) -> None:
    assert "ttt" not in repr(check)
    assert "kkk" not in repr(check)
    assert repr(KEY) not in repr(check)


def test_a_time_stamp_may_be_five_minutes_off() -> None:
    assert TOLERANCE == 300
