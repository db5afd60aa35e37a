import pytest

from gateway.core.formats.traceparent import TraceParent, read

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def offered(*written: str) -> list[tuple[bytes, bytes]]:
    others = [(b"tracestate", b"rojo=1"), (b"x-traceparent", b"00-1")]
    return [*others, *((b"traceparent", one.encode("latin-1")) for one in written)]


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)]
)
def test_says_which_trace_what_in_it_and_whether_it_is_sampled(flags: str, sampled: bool) -> None:
    assert read(offered(f"00-{TRACE}-{SPAN}-{flags}")) == TraceParent(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param((), id="none"),
        pytest.param(("",), id="empty"),
        pytest.param((f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"), id="two alike"),
        pytest.param((f"00-{TRACE}-{SPAN}-01", ""), id="two, one of them empty"),
        pytest.param((f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",), id="two in one line"),
        pytest.param((f"01-{TRACE}-{SPAN}-01",), id="another version"),
        pytest.param((f"ff-{TRACE}-{SPAN}-01",), id="the forbidden version"),
        pytest.param((f"00-{TRACE}-{SPAN}-01-more",), id="more at its end"),
        pytest.param((f"00-{TRACE}-{SPAN}-01 ",), id="a space at its end"),
        pytest.param((f"00-{TRACE}-{SPAN}-01\n",), id="a newline at its end"),
        pytest.param((f"00-{TRACE}-{SPAN}",), id="no flags"),
        pytest.param((f"00-{TRACE[1:]}-{SPAN}-01",), id="a short trace id"),
        pytest.param((f"00-{TRACE}-{SPAN}0-01",), id="a long span id"),
        pytest.param((f"00-{TRACE.upper()}-{SPAN}-01",), id="upper case"),
        pytest.param((f"00-{'0' * 32}-{SPAN}-01",), id="no trace"),
        pytest.param((f"00-{TRACE}-{'0' * 16}-01",), id="no span"),
        pytest.param((f"00-{TRACE[1:]}g-{SPAN}-01",), id="no hexadecimal digit"),
        pytest.param((f"00-{TRACE[1:]}\xb2-{SPAN}-01",), id="a digit that is none of ASCII"),
        pytest.param((f"00_{TRACE}_{SPAN}_01",), id="other separators"),
    ],
)
def test_what_is_none_is_ignored(written: tuple[str, ...]) -> None:
    assert read(offered(*written)) is None


def test_is_written_as_it_is_read() -> None:
    for sampled in (True, False):
        said = TraceParent(TRACE, SPAN, sampled)
        assert len(said.field) == 55
        assert read([(b"traceparent", said.field)]) == said
