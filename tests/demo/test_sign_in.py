import time

import jwt
import pytest

from gateway.demo.people import ALICE, COMPANIES, CUSTOMERS, NORTH, NORTHERN_SAM, SOUTHERN_SAM
from gateway.demo.sign_in import LIFETIME, SignIn, SignIns


@pytest.mark.parametrize("customer", CUSTOMERS, ids=lambda customer: customer.handle)
def test_knows_whom_it_signed_in(customer):
    sign_ins = SignIns(COMPANIES)
    assert sign_ins.customer(sign_ins.mint(customer)) is customer


def test_a_company_signs_nobody_in_at_another():
    sign_ins = SignIns(COMPANIES)
    token = sign_ins.mint(SOUTHERN_SAM)
    assert sign_ins.by_company[NORTH].customer(token) is None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_believes_no_token_of_others(token):
    assert SignIns(COMPANIES).customer(token) is None


def test_believes_no_token_of_an_earlier_run():
    assert SignIns(COMPANIES).customer(SignIns(COMPANIES).mint(ALICE)) is None


def test_a_token_ends(time_machine_at):
    sign_in = SignIn(NORTH)
    token = sign_in.mint(NORTHERN_SAM)
    time_machine_at(time.time() + LIFETIME + 1)
    assert sign_in.customer(token) is None


def test_the_public_key_verifies_and_cannot_sign():
    sign_in = SignIn(NORTH)
    claims = jwt.decode(
        sign_in.mint(ALICE), sign_in.public_key, algorithms=["ES256"], audience="chat"
    )
    assert claims["sub"] == "alice"
    assert claims["exp"] - claims["iat"] == LIFETIME
    with pytest.raises((TypeError, AttributeError, jwt.InvalidKeyError)):
        jwt.encode({"sub": "alice"}, sign_in.public_key, algorithm="ES256")


@pytest.fixture
def time_machine_at(request):
    time_machine = pytest.importorskip("time_machine")
    travels = []

    def travel(moment: float) -> None:
        traveller = time_machine.travel(moment, tick=False)
        traveller.start()
        travels.append(traveller)

    yield travel
    for traveller in travels:
        traveller.stop()
