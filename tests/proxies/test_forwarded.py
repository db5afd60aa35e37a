"""Whom the gateway believes behind a proxy: the proxy, by what its configuration writes.

A cookie is a credential only for pages of our own origin, and which that is the proxy says.
"""

import itertools

import pytest

from tests.proxies.behind import Behind, attack
from tests.support.proxies import HOST
from tests.support.wire import raw_request

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FALSE = {
    "X-Forwarded-Proto": ("SCHEME", "SCHEME, SCHEME", "SCHEME,https", "x"),
    "X-Forwarded-Host": ("victim.example", "victim.example, " + HOST, HOST + ", victim.example"),
    "X-Forwarded-For": ("192.0.2.7", "127.0.0.1, 192.0.2.7", "victim"),
    "X-Forwarded-Port": ("80",),
    "X-Forwarded-Server": ("victim.example",),
    "X-Forwarded-Ssl": ("off",),
    "X-Forwarded-Scheme": ("SCHEME",),
    "X-Url-Scheme": ("SCHEME",),
    "Front-End-Https": ("off",),
    "X-Real-IP": ("192.0.2.7",),
    "Forwarded": (
        "proto=SCHEME;host=victim.example;for=192.0.2.7",
        "proto=SCHEME",
        "host=victim.example",
        f'for="_x";proto=SCHEME, for=192.0.2.7;host={HOST}',
    ),
}


def scheme(behind: Behind) -> str:
    return "https" if behind.front.ssl else "http"


def other(behind: Behind) -> str:
    return "http" if behind.front.ssl else "https"


def by_cookie(behind: Behind, origin: str, *lines: bytes) -> bytes:
    """alice's message, as her browser sends it from a page of `origin`."""
    fields = [
        ("Origin", origin),
        ("Cookie", f"__session={behind.stage.token('alice')}"),
        ("Content-Type", "application/json"),
        *lines,
    ]
    body = b'{"message":"hi","stream":false}'
    return raw_request("POST", behind.stage.base + "/chat", fields, body, host=HOST)


def lies(behind: Behind, spelling: str) -> list[bytes]:
    """Each false field by itself, its name in one way."""
    names = {"plain": str, "lower": str.lower, "underscores": lambda name: name.replace("-", "_")}
    return [
        f"{names[spelling](name)}: {value.replace('SCHEME', other(behind))}".encode()
        for name, values in FALSE.items()
        for value in values
    ]


async def test_a_page_of_our_own_origin_may_use_cookies(behind: Behind) -> None:
    outcome = await attack(behind, by_cookie(behind, f"{scheme(behind)}://{HOST}"))
    assert outcome.statuses == [200]
    assert len(outcome.requests) == 1


@pytest.mark.parametrize(
    "origin", ["OTHER://HOST", "SCHEME://victim.example", "SCHEME://HOST:8443", "null"]
)
async def test_a_page_of_another_origin_may_not(behind: Behind, origin: str) -> None:
    """V-01, and what the client says of forwarding makes no difference."""
    said = origin.replace("SCHEME", scheme(behind)).replace("HOST", HOST)
    said = said.replace("OTHER", other(behind))
    for line in (b"X-A: b", *lies(behind, "plain"), *lies(behind, "underscores")):
        outcome = await attack(behind, by_cookie(behind, said, line))
        assert outcome.requests == []


@pytest.mark.parametrize("spelling", ["plain", "lower"])
async def test_a_client_cannot_talk_its_own_origin_away(behind: Behind, spelling: str) -> None:
    """The proxy overwrites it; without a proxy that is trusted, nobody reads it."""
    for line in lies(behind, spelling):
        outcome = await attack(behind, by_cookie(behind, f"{scheme(behind)}://{HOST}", line))
        assert outcome.statuses == [200], line
        assert len(outcome.requests) == 1


@pytest.mark.parametrize("spelling", ["plain", "lower"])
async def test_the_gateway_hears_of_the_client_what_the_proxy_knows(
    behind: Behind, spelling: str
) -> None:
    """H-11, H-13."""
    if behind.front.ssl is None:
        return  # nobody in front, so nobody is believed
    truth = await heard(behind, b"X-A: b")
    assert truth[:2] == ("https", HOST)
    assert truth[2] != "192.0.2.7"
    for line in lies(behind, spelling):
        assert await heard(behind, line) == truth, line


async def heard(behind: Behind, line: bytes) -> tuple[str, str | None, str]:
    """Scheme, host and client of her message with this line, as the gateway takes them."""
    behind.heard.clear()
    await attack(behind, by_cookie(behind, f"https://{HOST}", line))
    (ask,) = [one for one in behind.heard if one.method == "POST"]
    return ask.scheme, ask.host, ask.peer


async def test_a_client_cannot_take_the_proxys_word_away(behind: Behind) -> None:
    """H-03: `Connection` names the field that the proxy writes."""
    names = [name for name in FALSE if name.startswith("X-Forwarded")]
    for name, line in itertools.product(names, (b"X-A: b", *lies(behind, "plain")[:2])):
        hop = f"Connection: {name}".encode()
        for origin in (scheme(behind), other(behind)):
            outcome = await attack(behind, by_cookie(behind, f"{origin}://{HOST}", hop, line))
            assert origin == scheme(behind) or outcome.requests == []
