import pytest

from gateway.demo.people import CUSTOMERS, NORTH, SOUTH
from gateway.demo.shop import open_northwick, open_southbank

SHOPS = {NORTH: open_northwick(NORTH.agent), SOUTH: open_southbank(SOUTH.agent)}


@pytest.mark.parametrize("customer", CUSTOMERS, ids=lambda customer: customer.handle)
def test_everybody_who_can_sign_in_has_orders(customer):
    account = SHOPS[customer.company].accounts[customer.subject]
    assert account.first_name == customer.first_name
    assert any(order.is_open for order in account.orders)


def test_orders_are_nobody_elses():
    numbers = [
        order.number
        for shop in SHOPS.values()
        for account in shop.accounts.values()
        for order in account.orders
    ]
    assert len(set(numbers)) == len(numbers)


def test_cancelling_changes_one_order_of_one_shop():
    shop, untouched = open_northwick("a"), open_northwick("a")
    account = shop.accounts["sam"]
    account.cancel(account.orders[0])
    assert account.orders[0].state == "cancelled"
    assert not account.orders[0].is_open
    assert untouched.accounts["sam"].orders[0].state == "being packed"
