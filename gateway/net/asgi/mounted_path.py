"""Where in an application's paths we stand: what is left of a path below the mount.

`root_path` is all that stands before us. Of it, `app_root_path` (Starlette's word; elsewhere all of
it) is what the server or a proxy put there: servers differ on whether the path still has that part
(uvicorn: yes; hypercorn, granian and FastAPI's own `root_path`: only where the proxy leaves it).
The rest is a mount of the application's, and always there.
"""

from urllib.parse import quote

from starlette.types import Scope

from gateway.core.errors import BadPath

_PLAIN = "/:@~"  # beside letters, digits and "_.-", what a segment may have (core.request.route)


def raw_path(scope: Scope, prefix: str = "") -> str:
    """The path as it was sent, below the mount and `prefix`.

    Raises:
        BadPath: it is not below them, or has no one spelling.
    """
    given, mounted = _roots(scope)
    rest = below(_without(_sent(scope), quote(given, safe=_PLAIN)), mounted + prefix)
    if rest is None:
        raise BadPath("The path is not below where the gateway is mounted")
    return rest


def mount(scope: Scope, prefix: str = "") -> str:
    """What stands before the path we see, as a client writes it."""
    given, mounted = _roots(scope)
    return quote(given, safe=_PLAIN) + mounted + prefix


def routed_path(scope: Scope) -> str:
    """The path as the application's router sees it: decoded, without what stands before it."""
    given, mounted = _roots(scope)
    path = _without(scope["path"], given)
    rest = below(path, mounted)
    return path if rest is None else rest


def below(path: str, mount: str) -> str | None:
    """The rest of `path` below `mount`, where that ends with a segment; None elsewhere."""
    if not mount:
        return path
    rest = path.removeprefix(mount)
    if rest == path or (rest and not rest.startswith("/")):
        return None
    return rest or "/"


def _roots(scope: Scope) -> tuple[str, str]:
    """What the server put before the path, if it did, and what was mounted."""
    root: str = scope.get("root_path", "").rstrip("/")
    given: str = scope.get("app_root_path", root).rstrip("/")
    if not root.startswith(given):
        return "", root
    return given, root[len(given) :]


def _without(path: str, given: str) -> str:
    rest = below(path, given)
    return path if rest is None else rest


def _sent(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    if raw is None:  # it is optional in ASGI: then only a path that has one spelling will do
        path: str = scope["path"]
        if quote(path, safe=_PLAIN) != path:
            raise BadPath("The path has characters that have two spellings")
        return path
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadPath("The path has characters beyond ASCII") from error
