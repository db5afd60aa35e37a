import pytest

from gateway.console.guard import require_name, require_own_page
from gateway.core.errors import BadRequest, MisdirectedRequest, OriginRefused

NAMED = frozenset({"admin.acme.example"})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9090", "127.0.0.1", "10.1.2.3:80", "[::1]:9090", "[::1]", "localhost",
        "localhost:9090", "LocalHost:9090", "admin.acme.example", "Admin.Acme.example:443",
    ],
)  # fmt: skip
def test_addresses_localhost_and_what_is_named_are_ours(host: str) -> None:
    assert require_name([(b"host", host.encode())], NAMED) == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        "", ":9090", "evil.example", "evil.example:9090", "x.admin.acme.example",
        "admin.acme.example.evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
        "127.1", "0x7f.1", "2130706433", "[::1", "::1]:9090@evil.example", "localhost:9090:x",
        "evil.example:127.0.0.1", "127.0.0.1, evil.example",
    ],
)  # fmt: skip
def test_no_other_name_is(host: str) -> None:
    with pytest.raises(MisdirectedRequest, match=r"admin\.hosts"):
        require_name([(b"host", host.encode())], NAMED)


def test_no_host_and_two_hosts_are_none() -> None:
    with pytest.raises(MisdirectedRequest):
        require_name([], NAMED)
    with pytest.raises(BadRequest):
        require_name([(b"host", b"localhost"), (b"host", b"localhost")], NAMED)


@pytest.mark.parametrize("origin", ["http://localhost:9090", "https://localhost:9090"])
def test_our_own_page_may_change_something(origin: str) -> None:
    """Whoever ends TLS before us tells nobody: by either scheme it is of this host."""
    require_own_page([(b"origin", origin.encode())], "localhost:9090", method="POST")


@pytest.mark.parametrize(
    "origin", ["http://localhost", "http://localhost:9091", "ftp://localhost:9090", "null", ""]
)
def test_no_other_page_may(origin: str) -> None:
    with pytest.raises(OriginRefused):
        require_own_page([(b"origin", origin.encode())], "localhost:9090", method="POST")
