"""Families of algorithms never mix."""

import itertools

import pytest

from gateway.authn.algorithms import ASYMMETRIC, SYMMETRIC, family, implementation


def test_every_algorithm_is_of_one_family() -> None:
    assert family(SYMMETRIC) == "symmetric"
    assert family(ASYMMETRIC) == "asymmetric"
    for name in (*SYMMETRIC, *ASYMMETRIC):
        assert callable(implementation(name).verify)


@pytest.mark.parametrize(
    ("secret", "public"),
    [
        pytest.param(*pair, id=f"J-03 {'+'.join(pair)}")
        for pair in itertools.product(SYMMETRIC, ASYMMETRIC)
    ],
)
def test_refuses_secrets_and_public_keys_together(secret: str, public: str) -> None:
    with pytest.raises(ValueError, match="never mix"):
        family((public, secret))


@pytest.mark.parametrize(
    "name", ["none", "None", "NONE", "", "hs256", "RS1", "HS257", "ES256K", "ES521", "RSA-OAEP"]
)
def test_refuses_an_algorithm_that_is_none(name: str) -> None:
    """Rows J-01 and J-02, in a configuration."""
    with pytest.raises(ValueError, match="algorithms"):
        family(("RS256", name))


def test_refuses_an_empty_list() -> None:
    with pytest.raises(ValueError, match="at least one"):
        family(())
