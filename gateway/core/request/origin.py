"""When a cookie is a credential, and what a browser of another origin may read (CORS).

A browser adds a person's cookies to whatever any page asks for. So a cookie says who is asking only
where the browser also says that the page is ours: by Sec-Fetch-Site (W3C Fetch Metadata), else by
Origin (RFC 6454), which scripts can set neither of. What they say together must not contradict.

Origins are compared whole, as browsers write them: lower case, a port only where it is not the
scheme's own. No prefix, no suffix, no wildcard, never `null`.
"""

from collections.abc import Collection, Sequence

from gateway.core.formats.fields import Fields, values

SAFE_METHODS = frozenset({"GET", "HEAD"})  # change nothing, and scripts of others cannot read them
SITES = frozenset({b"same-origin", b"same-site", b"cross-site"})  # of a request made by a page

EXPOSED = (
    b"x-request-id, x-upstream-request-id, x-gateway-error, proxy-status, retry-after, "
    b"ratelimit, ratelimit-policy, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, "
    b"x-vercel-ai-ui-message-stream, mcp-session-id, x-gateway-first-request-id, "
    b"x-gateway-first-conversation"
)
# A list of our own, never the one asked for: with credentials "*" has no meaning (Fetch 3.2.3).
REQUEST_FIELDS = (
    b"authorization, content-type, idempotency-key, x-api-key, x-request-id, last-event-id, "
    b"mcp-session-id, mcp-protocol-version, mcp-method, mcp-name"
)
PREFLIGHT_SECONDS = b"600"


def cookie_is_credential(
    fields: Fields, *, method: str, scheme: str, host: str | None, origins: Collection[str]
) -> bool:
    """Whether cookies of this request say who is asking.

    `scheme` and `host` are ours, as the browser sees us; `origins` are others that may use cookies.
    """
    origin_lines, site_lines = values(fields, b"origin"), values(fields, b"sec-fetch-site")
    if len(origin_lines) > 1 or len(site_lines) > 1:
        return False
    site = site_lines[0] if site_lines else None
    if not origin_lines:
        return _is_ours_by_site(site, safe=method in SAFE_METHODS)
    origin = origin_lines[0].decode("latin-1")
    if origin in origins:
        return site is None or site in SITES
    own = host is not None and _fold(origin) == _fold(f"{scheme}://{host}")
    return own and (site is None or site == b"same-origin")


def is_own(fields: Fields, *, scheme: str, host: str | None, origins: Collection[str]) -> bool:
    """Whether the request is of no page, or of a page of ours or of one of `origins`."""
    lines = values(fields, b"origin")
    if not lines:
        return True
    origin = lines[0].decode("latin-1")
    own = host is not None and _fold(origin) == _fold(f"{scheme}://{host}")
    return len(lines) == 1 and (own or origin in origins)


def _is_ours_by_site(site: bytes | None, *, safe: bool) -> bool:
    """For a request without Origin, which browsers leave out only where nothing may be changed."""
    if site == b"same-origin":
        return True
    return safe and (site is None or site == b"none")  # `none`: typed, or opened from a bookmark


def _fold(origin: str) -> str:
    """An origin without the port its scheme has anyway; a Host field may well name it."""
    return origin.removesuffix({"https": ":443", "http": ":80"}.get(origin.partition(":")[0], ""))


def of_a_visit(fields: Fields, *, method: str) -> Fields:
    """The fields of a request to a route of the application's own, as sign-ins are to judge them.

    People come to its pages by links on other sites. Only they are shown the page, not the site
    with the link: so a link that is followed counts as an address that was typed.
    """
    told = (values(fields, b"sec-fetch-mode"), values(fields, b"sec-fetch-dest"))
    if method not in SAFE_METHODS or told != ([b"navigate"], [b"document"]):
        return fields
    return [line if line[0] != b"sec-fetch-site" else (line[0], b"none") for line in fields]


def cors_fields(origin: bytes | None, origins: Collection[str]) -> list[tuple[bytes, bytes]]:
    """What an answer says to a browser whose page is of `origin` (Fetch section 3.2).

    That answers differ by origin stands in the `vary` of every answer (gateway.steps.stamp).
    """
    if origin is None or origin.decode("latin-1") not in origins:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", EXPOSED),
    ]


def preflight(
    fields: Fields,
    origins: Collection[str],
    methods: Sequence[str],
    also: Sequence[bytes] = (),
) -> list[tuple[bytes, bytes]] | None:
    """The answer's fields to a preflight, which needs no sign-in and never goes on to a vendor.

    `also` are fields that may be sent, beyond `REQUEST_FIELDS`. A page of an origin that is not
    listed is told nothing. None: this OPTIONS is no preflight.
    """
    asking = values(fields, b"origin")
    if len(asking) != 1 or not values(fields, b"access-control-request-method"):
        return None
    answer = cors_fields(asking[0], origins)
    if asking[0].decode("latin-1") not in origins:
        return answer
    return [
        *(line for line in answer if line[0] != b"access-control-expose-headers"),
        (b"access-control-allow-methods", ", ".join(methods).encode("ascii")),
        (b"access-control-allow-headers", b", ".join([REQUEST_FIELDS, *also])),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
    ]
