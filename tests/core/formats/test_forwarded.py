import ipaddress

import pytest

from gateway.core.errors import BadRequest
from gateway.core.formats.forwarded import forwarded_origin, is_trusted
from tests.core.formats.test_fields import field_lines

NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("fd00::1", True),
        ("::ffff:10.1.2.3", True),
        ("11.0.0.1", False),
        ("::ffff:11.0.0.1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("", False),
        ("unix:", False),
        ("10.1.2.3:80", False),
        ("10.1.2.3\n", False),
    ],
)
def test_only_named_networks_are_trusted(peer: str, trusted: bool) -> None:
    assert is_trusted(peer, NETWORKS) is trusted
    assert not is_trusted(peer, ())  # H-13


HOST = "host: chat.example"


def origin(*lines: str, believed: bool = True) -> tuple[str, str | None, str | None]:
    return forwarded_origin(field_lines(HOST, *lines), scheme="http", believed=believed)


OWN = ("http", "chat.example", None)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["forwarded: for=1.2.3.4;host=evil;proto=https"], id="H-11 Forwarded"),
        pytest.param(["x-forwarded-host: evil", "x-forwarded-proto: https"], id="H-11 X-Forwarded"),
        pytest.param(["forwarded: junk", "x-forwarded-proto: gopher"], id="H-11 junk"),
    ],
)
def test_a_stranger_is_not_believed(lines: list[str]) -> None:
    assert origin(*lines, believed=False) == OWN


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], OWN, id="nothing said"),
        pytest.param(
            ["forwarded: for=1.2.3.4;host=Pub.Example;proto=HTTPS"],
            ("https", "pub.example", "1.2.3.4"),
            id="Forwarded",
        ),
        pytest.param(
            ['forwarded: for="[2001:db8::1]:8080" ; proto=https'],
            ("https", "chat.example", "[2001:db8::1]:8080"),
            id="Forwarded, quoted",
        ),
        pytest.param(
            ["x-forwarded-for: 1.2.3.4", "x-forwarded-host: pub:8443", "x-forwarded-proto: https"],
            ("https", "pub:8443", "1.2.3.4"),
            id="X-Forwarded",
        ),
        pytest.param(
            ["x-forwarded-proto: https,\thttp\t"],
            ("http", "chat.example", None),
            id="white space around the last",
        ),
        pytest.param(
            ["forwarded: for=6.6.6.6,\tfor\t=\t1.2.3.4\t; proto ; x"],
            ("http", "chat.example", "1.2.3.4"),
            id="Forwarded, with white space and names that say nothing",
        ),
        pytest.param(
            ["x-forwarded-for: 6.6.6.6, 1.2.3.4", "x-forwarded-proto: http, https"],
            ("https", "chat.example", "1.2.3.4"),
            id="H-11 the last of a list is our proxy's",
        ),
        pytest.param(
            ["forwarded: for=6.6.6.6;host=evil, for=1.2.3.4;host=pub"],
            ("http", "pub", "1.2.3.4"),
            id="H-11 the last element is our proxy's",
        ),
        pytest.param(
            ["x-forwarded-for: 6.6.6.6", "x-forwarded-for: 1.2.3.4"],
            ("http", "chat.example", "1.2.3.4"),
            id="H-11 the last line is our proxy's",
        ),
        pytest.param(
            [
                "forwarded: for=1.2.3.4;proto=https",
                "x-forwarded-for: 1.2.3.4",
                "x-forwarded-proto: https",
            ],
            ("https", "chat.example", "1.2.3.4"),
            id="both, alike",
        ),
    ],
)
def test_a_proxy_of_ours_is_believed(
    lines: list[str], expected: tuple[str, str | None, str | None]
) -> None:
    assert origin(*lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["x-forwarded-proto: gopher"], id="no scheme"),
        pytest.param(["x-forwarded-proto: "], id="an empty scheme"),
        pytest.param(["x-forwarded-host: a/b"], id="no host"),
        pytest.param(["x-forwarded-host: "], id="an empty host"),
        pytest.param(["forwarded: host=a b"], id="no host in Forwarded"),
        pytest.param(["forwarded: host=a=b"], id="two equals signs in Forwarded"),
        pytest.param(
            ["forwarded: host=evil", "x-forwarded-for: 1.2.3.4"],
            id="H-11 a client's Forwarded beside our proxy's fields",
        ),
        pytest.param(
            ["forwarded: for=6.6.6.6", "x-forwarded-for: 1.2.3.4"],
            id="H-11 two client addresses",
        ),
    ],
)
def test_refuses_what_no_proxy_of_ours_says(lines: list[str]) -> None:
    with pytest.raises(BadRequest):
        origin(*lines)
