from gateway.core import errors, failure


def test_what_is_nobodys_doing_here_can_be_tried_again_or_not() -> None:
    assert failure.Unavailable().retry_after == 1
    assert failure.UpstreamTimeout().retry_after is None
    assert str(failure.UpstreamMalformed("why")) == "why"
    assert failure.UpstreamMalformed(proxy_error="x").error_type == "x"


def test_it_is_of_the_one_tree() -> None:
    assert errors.GatewayError is failure.GatewayError
    assert issubclass(errors.NotFound, failure.GatewayError)
