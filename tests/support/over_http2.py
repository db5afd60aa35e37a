"""Every stage's vendors over HTTP/2: `pytest --stage=http2 tests/…`.

Whatever a configuration says of an upstream on this machine, it is asked in HTTP/2 over TLS, of a
front that has the vendor behind it (`http2_front`). So what a test sees at the vendor is what it
would see without; what it sees of HTTP/1.1 itself, of connections and of framing, is the front's.
"""

import os
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from gateway.net.upstream.dial import verifying_context
from tests.support.http2_front import AUTHORITY, Front

WANTED = False  # set by the option `--stage`
LISTENED_AT = 1024  # and above: the ports of a test's vendors

_AN_UPSTREAM = re.compile(
    r'(?P<table>\{[^\n]*)?base_url = "http://(?P<host>127\.0\.0\.1|localhost):(?P<port>\d+)'
)


@contextmanager
def trusted() -> Iterator[None]:
    """While it runs, we and our children trust the fronts, beside whom the system trusts."""
    before = os.environ.get("SSL_CERT_FILE")
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        known = ssl.create_default_context().get_ca_certs(binary_form=True)
        file.write("".join(map(ssl.DER_cert_to_PEM_cert, known)))
        file.write(AUTHORITY.cert_pem.bytes().decode())
        file.flush()
        os.environ["SSL_CERT_FILE"] = file.name
        verifying_context.cache_clear()
        try:
            yield
        finally:
            verifying_context.cache_clear()
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before


@asynccontextmanager
async def fronted(text: str) -> AsyncIterator[str]:
    """A configuration's text, with each of its upstreams here asked over HTTP/2."""
    async with AsyncExitStack() as stack:
        places: dict[int, str] = {}
        for found in _AN_UPSTREAM.finditer(text):
            port = int(found["port"])
            if port < LISTENED_AT:  # a vendor that is away has no front either
                places[port] = f"{found['host']}:{port}"
            elif port not in places:
                front = await stack.enter_async_context(Front(found["host"], port))
                places[port] = front.own_authority

        def asked(found: re.Match[str]) -> str:
            end = ", " if found["table"] else "\n"
            place = places[int(found["port"])]
            return f'{found["table"] or ""}http2 = true{end}base_url = "https://{place}'

        yield _AN_UPSTREAM.sub(asked, text)


@asynccontextmanager
async def as_wanted(text: str) -> AsyncIterator[str]:
    """The text as it is, except with `--stage=http2`."""
    if not WANTED:
        yield text
        return
    async with fronted(text) as changed:
        assert 'base_url = "http:' not in changed, "an upstream would be asked in HTTP/1.1"
        yield changed
