import re
from pathlib import Path

import pytest

from gateway.console import rendering
from gateway.console.rendering import duration, page, shown

TEMPLATES = sorted(path.name for path in Path(rendering.__file__).parent.glob("templates/*.html"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_has_a_mistake_or_text_of_its_own_to_run(name: str) -> None:
    rendering._templates().get_template(name)
    source = (Path(rendering.__file__).parent / "templates" / name).read_text()
    assert "| safe" not in source
    assert "style=" not in source
    assert "<script>" not in source
    assert re.search(r"\son[a-z]+=", source) is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        pytest.param(None, "", id="nothing"),
        pytest.param(1234567, "1,234,567", id="number"),
        pytest.param(1234.5, "1,234.5", id="fraction"),
        pytest.param("ann", "ann", id="text"),
        pytest.param("a\u202eb", "a\\u202eb", id="turned round"),
        pytest.param("a\nb", "a\\nb", id="a line"),
        pytest.param("a\x1b[2J", "a\\x1b[2J", id="control"),
    ],
)
def test_a_value_is_shown_as_text(cell: object, text: str) -> None:
    assert shown(cell) == text


def test_what_names_hold_is_never_markup() -> None:
    answer = page(
        "refusal.html", title="t", code="c", detail='<script>alert(1)</script>"onload="x', home=True
    )
    assert b"<script>alert" not in answer.content
    assert b"&lt;script&gt;alert(1)&lt;/script&gt;&#34;onload=&#34;x" in answer.content


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.9, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (93_785, "1 d 2 h")],
)
def test_says_about_how_long(seconds: float, text: str) -> None:
    assert duration(seconds) == text
