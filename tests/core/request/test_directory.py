import pytest

from gateway.core.errors import MisdirectedRequest, NotFound
from gateway.core.request.directory import Directory, Stand

DIRECTORY = Directory(
    [
        Stand("acme", ("chat.acme.example",), ()),
        Stand("acme eu", ("chat.acme.example",), ("eu",)),
        Stand("port", ("chat.acme.example:8443",), ()),
        Stand("anywhere", (), ("any",)),
        Stand("six", ("[::1]",), ()),
    ]
)


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        pytest.param("chat.acme.example", ("x",), ("acme", ("x",)), id="exact host"),
        pytest.param("chat.acme.example:80", ("x",), ("acme", ("x",)), id="at any port"),
        pytest.param("chat.acme.example:8443", ("x",), ("port", ("x",)), id="a port of its own"),
        pytest.param("chat.acme.example", ("eu", "x"), ("acme eu", ("x",)), id="longest path"),
        pytest.param("chat.acme.example", ("eux",), ("acme", ("eux",)), id="whole segments only"),
        pytest.param("other.example", ("any", "x"), ("anywhere", ("x",)), id="any host"),
        pytest.param(None, ("any",), ("anywhere", ()), id="no host"),
        pytest.param("[::1]", (), ("six", ()), id="IPv6"),
        pytest.param("[::1]:8080", (), ("six", ()), id="IPv6 with a port"),
    ],
)
def test_finds_who_stands_there(
    host: str | None, path: tuple[str, ...], found: tuple[str, tuple[str, ...]]
) -> None:
    assert DIRECTORY.find(host, path) == found


@pytest.mark.parametrize(
    "host",
    ["other.example", "acme.example", "chat.acme.example.evil", "xchat.acme.example", None],
)
def test_nobody_stands_under_another_host(host: str | None) -> None:
    directory = Directory([Stand("acme", ("chat.acme.example",), ())])
    with pytest.raises(MisdirectedRequest):
        directory.find(host, ())


def test_a_path_where_nobody_stands_is_not_found() -> None:
    with pytest.raises(NotFound):
        DIRECTORY.find("other.example", ("x",))


def test_two_cannot_stand_at_one_place() -> None:
    with pytest.raises(ValueError, match="two stand at /a"):
        Directory([Stand("a", (), ("a",)), Stand("b", (), ("a",))])
