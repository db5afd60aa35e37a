"""Templates, and how a value is shown: as text, whatever stands in it."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.admin.rows import printable
from gateway.core.problem import Answer

# htmx is told in its `meta` element to evaluate nothing; the charts style by script, not by text.
FIELDS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    # Not `no-referrer`: browsers would then send `Origin: null` with our own forms (Fetch 3.2).
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
HTML = b"text/html; charset=utf-8"


def page(
    name: str, *, status: int = 200, fields: tuple[tuple[bytes, bytes], ...] = (), **values: Any
) -> Answer:
    """A template as an answer."""
    content = _templates().get_template(name).render(**values).encode()
    return answer(content, HTML, status=status, fields=fields)


def answer(
    content: bytes, media: bytes, *, status: int = 200, fields: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    """What a browser may show, and nothing else of it do."""
    length = str(len(content)).encode("ascii")
    own = ((b"content-type", media), (b"content-length", length))
    return Answer(status, [*own, *FIELDS, *fields], content)


def moved(where: str, *fields: tuple[bytes, bytes]) -> Answer:
    """After a form: look there (RFC 9110 section 15.4.4)."""
    return Answer(
        303,
        [(b"location", where.encode("ascii")), (b"content-length", b"0"), *FIELDS, *fields],
        b"",
    )


def shown(cell: object) -> str:
    """A value in a cell. What has no form, or turns the writing round, is escaped."""
    if cell is None:
        return ""
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        return printable(str(cell))
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.6g}"


def duration(seconds: float) -> str:
    """About how long, in its two largest units."""
    left, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("gateway.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"shown": shown, "duration": duration}
    templates.tests["number"] = lambda cell: isinstance(cell, (int, float))
    return templates
