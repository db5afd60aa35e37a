"""How a provider may put it that somebody has signed out, and what is answered."""

import pytest

from gateway.core.errors import (
    BadRequest,
    GatewayError,
    LedgerUnavailable,
    MethodNotAllowed,
    UnsupportedMediaType,
)
from gateway.pages.logout import sign_out
from gateway.ports import Record
from tests.support.ask import Ask

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"


class Heard:
    """`Logouts` that note what they are told."""

    def __init__(self, failure: GatewayError | None = None) -> None:
        self.tokens: list[str] = []
        self.failure = failure

    async def tell(self, token: str, record: Record) -> None:
        if self.failure is not None:
            raise self.failure
        self.tokens.append(token)


class Posted(Ask):
    """A request with a body."""

    content = b""

    async def body(self, limit: int) -> bytes:
        assert limit <= 8192
        return self.content


def posted(content: bytes, media: str | None = FORM, method: str = "POST") -> Posted:
    lines = [] if media is None else [(b"content-type", media.encode())]
    ask = Posted(lines, method=method)
    ask.content = content
    return ask


async def told(ask: Ask, heard: Heard) -> int:
    return (await sign_out(heard, ask, Record("r1", "POST", 0.0))).status


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"logout_token=a.b.c", FORM),
        (b"logout_token=a.b.c", "Application/X-WWW-Form-URLencoded; charset=utf-8"),
        (b"state=1&logout_token=a.b.c&more=%2F", FORM),
    ],
)
async def test_a_form_with_a_token_is_believed(content: bytes, media: str) -> None:
    heard = Heard()
    assert await told(posted(content, media), heard) == 200
    assert heard.tokens == ["a.b.c"]


@pytest.mark.parametrize(
    ("ask", "refusal"),
    [
        pytest.param(posted(b"", method="GET"), MethodNotAllowed, id="GET"),
        pytest.param(
            posted(b'{"logout_token":"a"}', "application/json"), UnsupportedMediaType, id="json"
        ),
        pytest.param(posted(b"logout_token=a", None), UnsupportedMediaType, id="no type"),
        pytest.param(posted(b""), BadRequest, id="nothing"),
        pytest.param(posted(b"logout_token="), BadRequest, id="an empty one"),
        pytest.param(posted(b"token=a"), BadRequest, id="another name"),
        pytest.param(posted(b"logout_token=a&logout_token=b"), BadRequest, id="two"),
        pytest.param(posted(b"logout_token=a&logoutToken=b"), BadRequest, id="two spellings"),
        pytest.param(posted(b"logout_token=%zz"), BadRequest, id="no escape"),
    ],
)
async def test_whatever_else_it_is_nobody_signs_out(ask: Ask, refusal: type[GatewayError]) -> None:
    heard = Heard()
    with pytest.raises(refusal):
        await told(ask, heard)
    assert heard.tokens == []


async def test_a_provider_hears_that_it_must_say_so_again() -> None:
    with pytest.raises(LedgerUnavailable):
        await told(posted(b"logout_token=a"), Heard(LedgerUnavailable()))
