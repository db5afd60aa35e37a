import pytest

from gateway.demo.people import (
    ALICE,
    CUSTOMERS,
    NORTH,
    NORTHERN_SAM,
    SOUTH,
    SOUTHERN_SAM,
    customer_at,
    victim_of,
)


def test_one_name_stands_for_two_people():
    assert NORTHERN_SAM.subject == SOUTHERN_SAM.subject
    assert NORTHERN_SAM != SOUTHERN_SAM
    assert len({customer.handle for customer in CUSTOMERS}) == len(CUSTOMERS)


def test_a_subject_is_looked_up_within_a_company():
    assert customer_at(NORTH, "sam") is NORTHERN_SAM
    assert customer_at(SOUTH, "sam") is SOUTHERN_SAM
    assert customer_at(SOUTH, "alice") is None


@pytest.mark.parametrize(
    ("customer", "victim"),
    [(ALICE, NORTHERN_SAM), (NORTHERN_SAM, ALICE), (SOUTHERN_SAM, ALICE)],
)
def test_a_cheat_would_be_a_colleague_else_somebody_elsewhere(customer, victim):
    assert victim_of(customer) is victim
