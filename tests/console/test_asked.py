import pytest

from gateway.console.asked import Asked, asked_of
from gateway.core.errors import BadRequest, ContentTooLarge, UnsupportedMediaType

pytestmark = pytest.mark.anyio

FORM = (b"content-type", b"application/x-www-form-urlencoded")


async def asked(
    content: bytes = b"",
    *,
    query: bytes = b"",
    method: str = "POST",
    field: tuple = FORM,
    scheme: str = "https",
) -> Asked:
    scope = {
        "method": method,
        "path": "/console",
        "query_string": query,
        "headers": [field],
        "client": ("192.0.2.1", 1),
        "scheme": scheme,
    }

    async def receive() -> dict:
        return {"type": "http.request", "body": content, "more_body": False}

    return await asked_of(scope, receive)


async def test_takes_the_fields_of_a_form_and_forgets_the_empty_ones() -> None:
    found = await asked(b"org=a%26b&user=&since=7d")
    assert found.form == {"org": "a&b", "since": "7d"}
    assert (found.who, found.secure) == ("192.0.2.1", True)


@pytest.mark.parametrize(
    ("origin", "scheme", "secure"),
    [
        (b"https://admin.acme.example", "http", True),
        (b"http://127.0.0.1:9090", "http", False),
        (b"http://127.0.0.1:9090", "https", True),
    ],
)
async def test_tls_may_end_before_us(origin: bytes, scheme: str, secure: bool) -> None:
    found = await asked(b"", method="GET", field=(b"origin", origin), scheme=scheme)
    assert found.secure is secure


async def test_takes_the_parameters_of_a_page() -> None:
    assert (await asked(query=b"user=%C3%A9", method="GET")).form == {"user": "é"}


async def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadRequest):
        (await asked(b"user=a&user=b")).form  # noqa: B018 - it is what raises


@pytest.mark.parametrize(
    ("content", "query", "field", "error"),
    [
        pytest.param(b"a=b", b"c=d", FORM, BadRequest, id="both"),
        pytest.param(
            b"a=b", b"", (b"content-type", b"text/plain"), UnsupportedMediaType, id="text"
        ),
        pytest.param(b"a=b", b"", (b"x", b"y"), UnsupportedMediaType, id="no type"),
        pytest.param(b"a" * 20_000, b"", FORM, ContentTooLarge, id="large"),
        pytest.param("ä=b".encode(), b"", FORM, BadRequest, id="bytes"),
        pytest.param(b"&".join([b"a=b"] * 40), b"", FORM, BadRequest, id="many"),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(
    content: bytes, query: bytes, field: tuple, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await asked(content, query=query, field=field)
