"""Which public keys are good enough, and for which algorithms.

A library loads any key that parses: 1,024-bit moduli, exponents of 1 under which every signature is
its own message, points that every signature fits.
"""

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MIN_RSA_BITS = 2048  # RFC 7518 section 3.3
MAX_RSA_BITS = 8192  # 0.4 ms a signature; the time grows with the square
MAX_RSA_EXPONENT = 2**32

_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

# ROCA (CVE-2017-15361): primes of Infineon chips are powers of 65537 modulo small primes, so the
# moduli are too. A good key passes for one in 2**27.
_ROCA_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_ROCA = tuple((prime, {pow(65537, k, prime) for k in range(prime)}) for prime in _ROCA_PRIMES)

# Points of order 1, 2, 4 and 8 on edwards25519, by their y: the message hardly matters under them.
_FIELD = 2**255 - 19
_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})


def algorithms_of(key: object) -> frozenset[str]:
    """The algorithms whose signatures this key may verify.

    Raises:
        ValueError: it is weak, or of a kind that is not used here.
    """
    if isinstance(key, RSAPublicKey):
        _check_rsa(key)
        return _RSA
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return frozenset({_CURVES[key.curve.name]})
    if isinstance(key, Ed25519PublicKey):
        _check_ed25519(key)
        return frozenset({"EdDSA"})
    raise ValueError("the key is neither RSA nor P-256, P-384, P-521 nor Ed25519")


def _check_rsa(key: RSAPublicKey) -> None:
    numbers = key.public_numbers()
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise ValueError(f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if not 3 <= numbers.e <= MAX_RSA_EXPONENT:  # no even one is ever loaded
        raise ValueError("an RSA key's exponent is from 3 to 2**32")
    if numbers.n % 2 == 0:
        raise ValueError("an RSA key's modulus is odd")
    if all(numbers.n % prime in powers for prime, powers in _ROCA):
        raise ValueError("the RSA key was made by a broken generator (ROCA)")


def _check_ed25519(key: Ed25519PublicKey) -> None:
    y = int.from_bytes(key.public_bytes_raw(), "little") & (2**255 - 1)
    if y >= _FIELD or y in _SMALL_ORDER:
        raise ValueError("the Ed25519 key is a point that anybody can sign for")
