"""SVG, as far as our pictures need it: readable on light and on dark paper, and without scripts."""

from collections.abc import Sequence
from html import escape

# `prefers-color-scheme` holds within a picture of a page too.
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.small { font-size: 11px; fill: #59636e; }
.title { font-size: 15px; font-weight: 600; }
.other { fill: #aeb7c2; }
.ours { fill: #2f81f7; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .small { fill: #9198a1; }
  .other { fill: #545d68; }
}
"""


def text(x: float, y: float, said: str, *, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named} text-anchor="{anchor}">{escape(said)}</text>'


def box(
    x: float,
    y: float,
    width: float,
    height: float,
    kind: str,
    *,
    title: str = "",
    within: str = "",
) -> str:
    """A rectangle; `title` shows under a pointer, `within` is drawn in it."""
    told = f"<title>{escape(title)}</title>" if title else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}"'
    return f'<g>{told}<rect {place} rx="2" class="{kind}"/>{within}</g>'


def picture(
    width: float, height: float, parts: Sequence[str], *, label: str, more: str = ""
) -> str:
    """The whole of it; `more` is style, `label` what is said to those who do not see it."""
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"'
    drawn = "\n".join(parts)
    return f'{head} aria-label="{escape(label)}">\n<style>{STYLE}{more}</style>\n{drawn}\n</svg>\n'
