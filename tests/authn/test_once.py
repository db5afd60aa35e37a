from gateway.authn.once import Once


def test_a_name_is_first_once() -> None:
    once = Once()
    assert once.is_first("acme", "support", "orders", "m-1")
    assert not once.is_first("acme", "support", "orders", "m-1")


def test_no_two_callers_share_a_name() -> None:
    once = Once()
    names = [("a", "b", "m"), ("ab", "m"), ("a", "bm"), ("a", "b", "n")]
    assert all(once.is_first(*name) for name in names)
