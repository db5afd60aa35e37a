"""The URL of an egress proxy: one spelling, and never quoted where it is wrong."""

import pytest

from gateway.config.egress import egress
from gateway.net.upstream.reach import EgressProxy


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("http://egress:3128", EgressProxy("egress", 3128, "")),
        ("http://egress", EgressProxy("egress", 3128, "")),
        ("http://10.0.0.1:8080/", EgressProxy("10.0.0.1", 8080, "")),
        ("http://[fd00::1]:8080", EgressProxy("fd00::1", 8080, "")),
        ("http://u:p@egress:1", EgressProxy("egress", 1, "u:p")),
        ("http://u@egress:1", EgressProxy("egress", 1, "u")),
        ("http://u:p%40%3A%20ss@egress:1", EgressProxy("egress", 1, "u:p@: ss")),
    ],
)
def test_is_read(written: str, found: EgressProxy) -> None:
    assert egress(written) == found
    assert "p@:" not in repr(egress(written))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "egress:3128",
        "https://egress:3128",
        "socks5://egress:1080",
        "http://",
        "http://egress:x",
        "http://egress:99999",
        "http://egress/path",
        "http://egress?x",
        "http://egress#x",
        "http://@egress",
        "http://:CANARY@egress",
        "http://u:CANARY%0D%0Ax@egress",
        "http://u:CANARY%00@egress",
        "http://u:CANARY @egress",
        "http://egress\r\nx: y",
        "http://egr\u00e9ss",
    ],
)
def test_is_refused_without_being_quoted(written: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z]") as refused:
        egress(written)
    assert "CANARY" not in str(refused.value)
