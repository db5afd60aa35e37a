import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.urls import base_url, host_name, listening, origin, url

NO_URL = [
    pytest.param("", id="empty"),
    pytest.param("example.com", id="no scheme"),
    pytest.param("ftp://example.com", id="another scheme"),
    pytest.param("file:///etc/passwd", id="a file"),
    pytest.param("//example.com", id="no scheme but a host"),
    pytest.param("https://", id="no host"),
    pytest.param("https:///path", id="an empty host"),
    pytest.param("https://user:CANARY@example.com", id="a password"),
    pytest.param("https://user@example.com", id="a user name"),
    pytest.param("https://example.com#CANARY", id="a fragment"),
    pytest.param("https://example.com#", id="an empty fragment"),
    pytest.param("https://exa mple.com", id="a space"),
    pytest.param("https://example.com\n", id="a newline"),
    pytest.param("https://exa\tmple.com", id="a tab, which urlsplit drops"),
    pytest.param("https://example.com\\@evil.example", id="a backslash"),
    pytest.param("https://münchen.example", id="beyond ASCII"),
    pytest.param("https://example.com:port", id="a port that is none"),
    pytest.param("https://example.com:99999", id="a port too large"),
    pytest.param("https://-example.com", id="a label that begins with -"),
    pytest.param("https://example..com", id="an empty label"),
    pytest.param("https://*.example.com", id="a wildcard"),
    pytest.param("https://[::1", id="an open bracket"),
    pytest.param("https://[::zz]", id="no IPv6 address"),
    pytest.param("https://[fe80::1%25eth0]", id="a zone"),
    pytest.param("https://2130706433", id="R-07 decimal address"),
    pytest.param("https://0x7f000001", id="R-07 hexadecimal address"),
    pytest.param("https://0177.0.0.1", id="R-07 octal address"),
    pytest.param("https://127.1", id="R-07 short address"),
    pytest.param("https://127.0.0.0x1", id="R-07 mixed address"),
    pytest.param("https://1.2.3.4.5", id="R-07 five parts"),
]


@pytest.mark.parametrize("read", [url, base_url, origin])
@pytest.mark.parametrize("written", NO_URL)
def test_refuses_what_is_no_url_and_does_not_quote_it(read, written: str):
    with pytest.raises(ValueError, match=r"must|has|is") as caught:
        read(written)
    assert "CANARY" not in str(caught.value)


def test_reads_a_url():
    found = url("https://Example.com:8443/a/b?c=d")
    assert (found.scheme, found.host, found.port) == ("https", "example.com", 8443)
    assert (found.path, found.query) == ("/a/b", "c=d")


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ("http://localhost:8000", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1", True),
        ("http://127.8.8.8:1", True),
        ("http://[::1]:8000", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
        ("http://notlocalhost", False),
        ("http://[::2]", False),
    ],
)
def test_knows_what_stays_on_this_machine(written: str, here: bool):
    assert url(written).stays_here is here


@pytest.mark.parametrize("written", ["https://x.example", "https://x.example/", "http://x/a/b-c/"])
def test_a_base_url_is_an_origin_and_a_prefix(written: str):
    assert base_url(written).scheme in written


@pytest.mark.parametrize(
    "written",
    [
        *("https://x.example/?", "https://x.example?a=b", "https://x.example/a//b"),
        *("https://x.example/../a", "https://x.example/%2e", "https://x.example//"),
        "https://x.example/a/{agent}",
    ],
)
def test_a_base_url_has_one_plain_spelling(written: str):
    with pytest.raises(ValueError, match=r"query|path"):
        base_url(written)


@pytest.mark.parametrize(
    "written",
    ["https://app.example", "http://app.example:3000", "https://[::1]:3000", "http://localhost"],
)
def test_an_origin_is_as_browsers_write_it(written: str):
    origin(written)


@pytest.mark.parametrize(
    "written",
    [
        *("https://app.example/", "https://App.example", "https://app.example:443"),
        *("http://app.example:80", "https://app.example/a", "https://app.example?"),
        *("HTTPS://app.example", "https://app.example:", "https://app.example:0443"),
        *("https://[0:0:0:0:0:0:0:1]", "null", "*"),
    ],
)
def test_refuses_an_origin_that_no_browser_would_send(written: str):
    with pytest.raises(ValueError, match="must"):
        origin(written)


@pytest.mark.parametrize(
    "written", ["127.0.0.1:8080", "0.0.0.0:80", "[::1]:8080", "[::]:0", "localhost:0", "gw:65535"]
)
def test_listens_at_an_address_and_a_port(written: str):
    assert listening(written) == written


@pytest.mark.parametrize(
    "written",
    [
        *("", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"),
        *("::1:8080", "http://127.0.0.1:80", "127.0.0.1:80/", "a@b:80", "127.0.0.1 :80", "x:-1"),
    ],
)
def test_refuses_to_listen_nowhere(written: str):
    with pytest.raises(ValueError, match="an address and a port"):
        listening(written)


@given(st.text(max_size=30))
def test_a_host_name_is_kept_or_refused(written: str):
    try:
        found = host_name(written)
    except ValueError:
        return
    assert found == written or ":" in written
