"""The pictures are drawn from what was measured, and can be read without colours or a pointer."""

import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from benchmarks import flames, picture
from benchmarks.parts import LIBRARIES, PARTS, part_of

SVG = "{http://www.w3.org/2000/svg}"
LOOP = "main (gateway/cli/main.py);Runner.run (asyncio/runners.py)"
RAW = f"""\
{LOOP};serve (gateway/dispatch.py);plan (gateway/core/request/plan.py) 30
{LOOP};serve (gateway/dispatch.py);dumps (json/encoder.py) 60
{LOOP} 10
Thread._bootstrap (threading.py);write (aiosqlite/core.py) 500
"""


def words(svg: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


def widths(svg: str, kind: str) -> list[float]:
    boxes = ElementTree.fromstring(svg).iter(f"{SVG}rect")  # noqa: S314 - it is our own
    return [float(one.get("width", "0")) for one in boxes if one.get("class") == kind]


def row(peer: str, cpu: list[float], lacks: str = "") -> dict[str, object]:
    return {"peer": peer, "cpu": cpu, "lacks": lacks}


def test_the_picture_of_the_readme_says_who_is_faster_and_what_they_do_not_do() -> None:
    rows = [
        row("gateway", [180.0, 200.0, 900.0]),
        row("Envoy", [100.0], "ownership, usage"),
        row("uvicorn alone", [25.0], "everything"),
    ]
    svg = picture.draw({"about": {"python": "3.11.7"}, "found": {"unary": rows}})
    said = words(svg)
    assert said.index("10,000") < said.index("5,000")  # of the median
    assert "without ownership, usage" in said
    assert "uvicorn alone" not in said
    (envoy,), (ours,) = widths(svg, "other"), widths(svg, "ours")
    assert abs(envoy - 2 * ours) < 0.2


def test_a_stack_begins_below_the_loop_and_other_threads_have_none() -> None:
    assert flames.stacks(RAW) == Counter(
        {
            ("serve (gateway/dispatch.py)", "plan (gateway/core/request/plan.py)"): 30,
            ("serve (gateway/dispatch.py)", "dumps (json/encoder.py)"): 60,
            ("the loop",): 10,
        }
    )


def test_a_flame_is_as_wide_as_its_time_and_stands_under_its_caller() -> None:
    svg = flames.draw(flames.stacks(RAW))
    assert {"serve", "plan", "dumps", "the loop", *PARTS} <= set(words(svg))
    pipeline, plan = (
        f"p{list(PARTS).index('the pipeline')}",
        list(PARTS).index("the vendor's request"),
    )
    assert max(widths(svg, pipeline)) > 2.9 * max(widths(svg, f"p{plan}"))


def test_time_in_a_library_is_that_of_whoever_of_us_called_it() -> None:
    stack = ["serve (gateway/dispatch.py)", "dumps (json/encoder.py)"]
    assert part_of(stack) == "the pipeline"
    assert part_of(["run (uvicorn/server.py)"]) == LIBRARIES
    assert part_of(["write (/srv/gateway/net/upstream/connection.py)"]) == "the vendor's wire"


def test_each_part_is_of_modules_that_are_there() -> None:
    root = Path(__file__).parents[2]
    modules = [str(file.relative_to(root)) for file in root.glob("gateway/**/*.py")]
    begins = [begin for part in PARTS.values() for begin in part]
    assert [one for one in begins if not any(name.startswith(one) for name in modules)] == []
