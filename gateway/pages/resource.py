"""Who signs people in for an MCP server behind us: OAuth 2.0 protected resource metadata, RFC 9728.

A client that is told 401 reads there which issuer to get a token from, and for which resource
(RFC 8707). That token is for us, and stays here: the server never sees it.
"""

from gateway.core import problem
from gateway.core.errors import BadRequest, NotFound
from gateway.core.problem import Answer
from gateway.core.request.route import Segments
from gateway.orgs.site import Site
from gateway.ports import Inbound

WELL_KNOWN = (".well-known", "oauth-protected-resource")


def metadata_url(site: Site, below: Segments, ask: Inbound, path: Segments) -> str | None:
    """Where the metadata of what stands at `path` is; `below` is what of that the site sees.

    None: it has none, since it is no MCP server, or nobody here issues tokens for it.
    """
    if ask.host is None or not site.issuers(below):
        return None
    return _url(ask, (*WELL_KNOWN, *path))


def metadata(site: Site, below: Segments, ask: Inbound, path: Segments) -> Answer:
    """The metadata of what stands at `path`.

    Raises:
        NotFound: it has none.
    """
    issuers = site.issuers(below)
    if not issuers:
        raise NotFound
    if ask.host is None:
        raise BadRequest("The request has no Host")
    return problem.of_json(
        {
            "resource": _url(ask, path),
            "authorization_servers": list(issuers),
            "bearer_methods_supported": ["header"],
        }
    )


def _url(ask: Inbound, path: Segments) -> str:
    return f"{ask.scheme}://{ask.host}{ask.mount}/{'/'.join(path)}"
