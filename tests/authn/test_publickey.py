"""Keys that are too weak verify nothing."""

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519

from gateway.authn import publickey
from gateway.authn.publickey import _ROCA_PRIMES, _SMALL_ORDER, algorithms_of
from tests.support.tokens import private_key

FIELD = 2**255 - 19
D = -121665 * pow(121666, -1, FIELD) % FIELD


@pytest.mark.parametrize(
    ("algorithm", "usable"),
    [
        ("RS256", {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ("ES256", {"ES256"}),
        ("ES384", {"ES384"}),
        ("ES512", {"ES512"}),
        ("EdDSA", {"EdDSA"}),
    ],
)
def test_a_key_is_for_the_algorithms_of_its_kind(algorithm: str, usable: set[str]) -> None:
    assert algorithms_of(private_key(algorithm).public_key()) == usable


@pytest.mark.parametrize("bits", [1024, 2047])
def test_refuses_a_short_rsa_key(bits: int) -> None:
    """Row J-26."""
    with pytest.raises(ValueError, match="bits"):
        algorithms_of(rsa.generate_private_key(65537, bits).public_key())


def rsa_of(modulus: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


@pytest.mark.parametrize("bits", [8193, 16384, 100_000])
def test_refuses_an_rsa_key_that_costs_too_much(bits: int) -> None:
    """Row N-07."""
    with pytest.raises(ValueError, match="bits"):
        algorithms_of(rsa_of(2 ** (bits - 1) + 1))


MODULUS = private_key("RS256").public_key().public_numbers().n  # type: ignore[union-attr]


@pytest.mark.parametrize("exponent", [1, 2, 4, 65536, 2**32 + 1, 2**64 + 1])
def test_refuses_an_odd_exponent(exponent: int) -> None:
    """Rows J-26 and N-07."""
    with pytest.raises(ValueError, match=r"exponent|e must"):
        algorithms_of(rsa_of(MODULUS, exponent))


@pytest.mark.parametrize("exponent", [3, 17, 65537, 2**32 - 1])
def test_takes_the_usual_exponents(exponent: int) -> None:
    assert "RS256" in algorithms_of(rsa_of(MODULUS, exponent))


def test_refuses_a_key_of_the_broken_generator() -> None:
    """Row J-26, ROCA: the modulus is a power of 65537 modulo each small prime."""
    primorial = 1
    for prime in _ROCA_PRIMES:
        primorial *= prime
    weak = pow(65537, 12345, primorial) + primorial * (2**2040 // primorial * 256)
    weak += primorial * (1 - weak % 2)
    with pytest.raises(ValueError, match="ROCA"):
        algorithms_of(rsa_of(weak))


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ec.generate_private_key(ec.SECP224R1()).public_key(),
        ed448.Ed448PrivateKey.generate().public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
        dsa.generate_private_key(2048).public_key(),
        private_key("RS256"),
        b"secret",
        None,
    ],
    ids=lambda key: type(key).__name__,
)
def test_refuses_keys_of_other_kinds(key: object) -> None:
    with pytest.raises(ValueError, match="neither"):
        algorithms_of(key)


def double(point: tuple[int, int]) -> tuple[int, int]:
    x, y = point
    product = D * x * x * y * y
    return (
        2 * x * y * pow(1 + product, -1, FIELD) % FIELD,
        (y * y + x * x) * pow(1 - product, -1, FIELD) % FIELD,
    )


def test_the_points_of_small_order_are_those_of_small_order() -> None:
    """Eight times such a point is the neutral one; and there are eight in all, of five `y`."""
    found = 0
    for y in _SMALL_ORDER:
        square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD) % FIELD
        x = pow(square, (FIELD + 3) // 8, FIELD)
        if (x * x - square) % FIELD:
            x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
        assert (x * x - square) % FIELD == 0, "on the curve"
        assert double(double(double((x, y)))) == (0, 1)
        found += 2 if x else 1
    assert found == 8


def small_order_keys() -> dict[str, bytes]:
    """Each such point in each of its encodings: with either sign, and with `y` beyond the field."""
    found = {}
    for y in sorted(_SMALL_ORDER):
        for written in (y, y + FIELD):
            for sign in (0, 1):
                if written < 2**255:
                    found[f"{written:x} {sign}"] = (written | sign << 255).to_bytes(32, "little")
    return found


@pytest.mark.parametrize("raw", list(small_order_keys().values()), ids=list(small_order_keys()))
def test_refuses_an_ed25519_key_anybody_can_sign_for(raw: bytes) -> None:
    """Row J-26."""
    with pytest.raises(ValueError, match="anybody"):
        algorithms_of(ed25519.Ed25519PublicKey.from_public_bytes(raw))


def test_refuses_an_ed25519_key_in_another_spelling() -> None:
    """Row J-26: `y` of 2**255 - 19 and more is another's `y`."""
    for extra in range(19):
        raw = (FIELD + extra).to_bytes(32, "little")
        with pytest.raises(ValueError, match="anybody"):
            algorithms_of(ed25519.Ed25519PublicKey.from_public_bytes(raw))


def test_the_limits_are_these() -> None:
    assert publickey.MIN_RSA_BITS == 2048
    assert publickey.MAX_RSA_BITS == 8192
    assert publickey.MAX_RSA_EXPONENT == 4_294_967_296
