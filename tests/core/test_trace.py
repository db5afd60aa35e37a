import pytest

from gateway.core.formats.traceparent import TraceParent
from gateway.core.trace import Callee, VendorCall, begin

OFFERED = TraceParent("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", sampled=False)
RANDOM = bytes(range(1, 25))


def test_a_believed_parent_says_which_trace_it_is_and_whether_it_is_sampled() -> None:
    trace = begin(OFFERED, believed=True, share=1.0, random=RANDOM)
    assert (trace.trace_id, trace.parent) == (OFFERED.trace_id, OFFERED.span_id)
    assert trace.span_id == RANDOM[16:].hex()
    assert not trace.sampled
    assert trace.said is None


def test_what_anybody_else_says_is_noted_and_changes_nothing() -> None:
    trace = begin(OFFERED._replace(sampled=True), believed=False, share=0.0, random=RANDOM)
    assert (trace.trace_id, trace.parent) == (RANDOM[:16].hex(), "")
    assert not trace.sampled
    assert trace.said == OFFERED._replace(sampled=True)


def test_a_proxy_that_says_nothing_begins_none() -> None:
    trace = begin(None, believed=True, share=1.0, random=RANDOM)
    assert (trace.trace_id, trace.parent, trace.said) == (RANDOM[:16].hex(), "", None)


@pytest.mark.parametrize(
    ("share", "last", "sampled"),
    [
        (1.0, 2**64 - 1, True),
        (0.5, 2**63 - 1, True),
        (0.5, 2**63, False),
        (0.0, 0, False),
        (1e-19, 1, True),
    ],
)
def test_the_share_that_is_sampled_goes_by_the_end_of_the_trace_id(
    share: float, last: int, sampled: bool
) -> None:
    random = bytes(8) + last.to_bytes(8, "big") + RANDOM[16:]
    assert begin(None, believed=False, share=share, random=random).sampled == sampled


def test_a_call_is_told_the_trace_and_its_own_span() -> None:
    trace = begin(None, believed=False, share=1.0, random=RANDOM)
    callee = Callee(host="vendor.test", port=443)
    call = VendorCall(span_id="ab" * 8, callee=callee, method="POST", started=0.0)
    assert trace.told(call) == f"00-{trace.trace_id}-{'ab' * 8}-01".encode()
