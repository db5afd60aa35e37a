"""Where an issuer's keys are, by its own metadata (OpenID Connect Discovery 1.0 section 4).

Asked at first use, and again when the answer is old; an answer that cannot be used changes nothing.
The document must name exactly the issuer it was asked for, or one issuer could hand out another's
keys (section 4.3).
"""

import math
import ssl
import time
from collections.abc import Callable

from gateway.authn.fetch import FetchFailed, check_url, get
from gateway.core.errors import AmbiguousJson
from gateway.core.formats import strictjson

MAX_AGE = 3600.0  # seconds


class Discovery:
    """The keys of one issuer, found by its metadata: `jwk_set` is a fetch for `RemoteKeys`.

    Raises:
        ValueError: the issuer is no URL that metadata can be fetched from.
    """

    def __init__(
        self,
        issuer: str,
        *,
        max_age: float = MAX_AGE,
        tls: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        check_url(issuer)
        if "?" in issuer or "#" in issuer:
            raise ValueError("an issuer has no query and no fragment")
        self._issuer = issuer
        self._max_age = max_age
        self._tls = tls
        self._now = monotonic
        self._jwks_url: str | None = None
        self._read_at = -math.inf

    async def jwk_set(self) -> bytes:
        """The issuer's JWK Set, as it stands.

        Raises:
            FetchFailed: there is none to be had now.
        """
        return await get(await self._locate(), tls=self._tls)

    async def _locate(self) -> str:
        if self._jwks_url is not None and self._now() - self._read_at <= self._max_age:
            return self._jwks_url
        try:
            metadata = await get(metadata_url(self._issuer), tls=self._tls)
            self._jwks_url = read_jwks_url(metadata, self._issuer)
            self._read_at = self._now()
        except FetchFailed as error:
            if self._jwks_url is None:
                raise FetchFailed(f"discovery: {error}") from error
        return self._jwks_url


def metadata_url(issuer: str) -> str:
    """Section 4.1: the slash an issuer may end with is left out."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def read_jwks_url(metadata: bytes, issuer: str) -> str:
    """Where the metadata says the keys are.

    Raises:
        FetchFailed: it is not this issuer's, or says nothing that can be used.
    """
    try:
        document = strictjson.loads(metadata)
    except AmbiguousJson as error:
        raise FetchFailed("not JSON, or JSON that parsers read differently") from error
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise FetchFailed("the metadata is another issuer's")
    url = document.get("jwks_uri")
    if not isinstance(url, str):
        raise FetchFailed("the metadata does not say where the keys are")
    try:
        check_url(url)
    except ValueError as error:
        raise FetchFailed(f"jwks_uri {error}") from error
    if issuer.startswith("https:") and not url.startswith("https:"):
        raise FetchFailed("an https issuer keeps its keys at an https URL")
    return url
