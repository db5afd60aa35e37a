"""What every sign-in is to the chain: it reads some places, and judges what stands there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from gateway.authn.places import Place
from gateway.core.people.identity import Vouched
from gateway.ports import Inbound


class Nobody(Enum):
    """A credential that is good and speaks of nobody: as though it were not there.

    Frameworks sign a session for every visitor, whoever that is.
    """

    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Credential:
    """What stood at a place of a request."""

    place: Place
    text: str = field(repr=False)
    ask: Inbound = field(repr=False, compare=False)


class Verifier(Protocol):
    """One sign-in: judges credentials of one kind."""

    @property
    def places(self) -> Sequence[Place]:
        """Where its credentials may stand."""
        ...

    @property
    def names_orgs_by(self) -> str | None:
        """What it reads the person's orgs from, as a person would say: "the claim org_id".

        None: it is one org's alone.
        """
        ...

    async def verify(self, credential: Credential) -> Vouched | Nobody | None:
        """Whom it speaks of. None: it is not of this kind.

        Raises:
            CredentialsInvalid, CredentialsExpired: it is of this kind, and bad.
            KeysUnavailable: that cannot be known now.
        """
        ...
