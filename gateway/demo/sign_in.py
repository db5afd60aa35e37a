"""How the companies' apps sign their customers in: tokens of their own (RFC 7519), by ES256.

Each company has a key of its own. The gateway gets the public half, so it can tell who somebody is
and can make nobody up.
"""

import time
from collections.abc import Iterable

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.demo.people import Company, Customer, customer_at

AUDIENCE = "chat"
LIFETIME = 12 * 3600  # seconds
_ALGORITHM = "ES256"


class SignIn:
    """The sign-in of one company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """In PEM."""
        key = self._key.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")

    def mint(self, customer: Customer) -> str:
        now = int(time.time())
        claims = {
            "iss": self.company.issuer,
            "aud": AUDIENCE,
            "sub": customer.subject,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def customer(self, token: str) -> Customer | None:
        """Whom the token names; None where it is not one of ours, or has expired."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                issuer=self.company.issuer,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None
        return customer_at(self.company, claims["sub"])


class SignIns:
    """All sign-ins of the demo, whose pages the companies share."""

    def __init__(self, companies: Iterable[Company]) -> None:
        self.by_company = {company: SignIn(company) for company in companies}

    def mint(self, customer: Customer) -> str:
        return self.by_company[customer.company].mint(customer)

    def customer(self, token: str) -> Customer | None:
        found = (sign_in.customer(token) for sign_in in self.by_company.values())
        return next((customer for customer in found if customer), None)
