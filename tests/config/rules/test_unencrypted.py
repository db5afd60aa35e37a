"""Where somebody may be asked who somebody is: row R-07 of SECURITY.md, and all of 2.13."""

import pytest

from gateway.config.rules.unencrypted import VOUCH, check

PRIVATE = "is not encrypted: whoever is on that network can say who anybody is"
PUBLIC = (
    "must be https: whoever is on the way can say who anybody is; "
    "http is for this machine, and for private networks"
)


def told(url: str) -> list[tuple[str, str]]:
    return [(one.severity, one.message) for one in check(url, ("ask",), VOUCH)]


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example/me",
        "https://app.example/me?v=1",
        "http://127.0.0.1:8000/me",
        "http://[::1]:8000/me",
        "http://localhost/me",
    ],
)
def test_encrypted_or_here_is_fine(url: str) -> None:
    assert told(url) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://app:8000/me",
        "http://10.1.2.3/me",
        "http://172.31.0.1/me",
        "http://192.168.1.1/me",
        "http://[fd00::1]/me",
        "http://app.default.svc.cluster.local/me",
        "http://host.docker.internal:8000/me",
    ],
)
def test_a_network_of_ones_own_is_worth_a_warning(url: str) -> None:
    assert told(url) == [("warning", PRIVATE)]


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/me",
        "http://172.32.0.1/me",
        "http://11.0.0.1/me",
        "http://169.254.169.254/latest",
        "http://[::ffff:10.0.0.1]/me",
        "http://[2002:a00:1::]/me",
        "http://127.0.0.1.evil.example/me",
    ],
)
def test_the_open_is_an_error(url: str) -> None:
    assert told(url) == [("error", PUBLIC)]


@pytest.mark.parametrize(
    "url",
    [
        *("http://2130706433/me", "http://0x7f.1/me", "http://0177.0.0.1/me", "http://127.1/me"),
        *("http://[fe80::1%25eth0]/me", "https://u:p@app.example/me", "https://app.example/#x"),
        *("file:///etc/passwd", "app.example/me", "https://", "https://a b/", "https://a\\b/"),
    ],
)
def test_what_two_programs_read_differently_is_no_url(url: str) -> None:
    ((severity, message),) = told(url)
    assert severity == "error"
    assert url not in message
