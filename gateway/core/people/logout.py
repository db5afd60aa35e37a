"""A provider's word that somebody has signed out, and which tokens that ends.

OpenID Connect Back-Channel Logout 1.0. It ends what was issued no later than the word itself:

| it names | ends |
|---|---|
| a person (`sub`), no session | every token of that person |
| a session (`sid`) | the tokens of that session |
| both | those, and tokens of the person that name no session: they may be of this one |

Somebody who signs in again has a later token, and is let in.
"""

from dataclasses import dataclass
from typing import TypeAlias

from gateway.core.people.identity import Session

Fact: TypeAlias = tuple[str, str]  # a kind, and a name that is of this kind

PERSON = "signed_out"  # a `sub` of which every token is meant
SESSION = "session_ended"  # a `sid`
UNNAMED = "some_session_ended"  # a `sub` of which tokens without a `sid` are meant
TOKEN = "logout_token"  # noqa: S105 -- a `jti`: a logout token that has been here


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """What a logout token says. Times are in seconds since the epoch.

    `realm` is whose people these are, as in `Session`; one of `subject` and `session` is given.
    """

    realm: str
    subject: str | None
    session: str | None
    issued_at: float
    expires_at: float
    id: str  # `jti`

    @property
    def ends(self) -> tuple[Fact, ...]:
        """What counts no more, where it was issued no later."""
        if self.session is None:
            return ((PERSON, self.subject or ""),)
        also = () if self.subject is None else ((UNNAMED, self.subject),)
        return ((SESSION, self.session), *also)


def ending(session: Session) -> tuple[Fact, ...]:
    """What of a logout ends this session: two things to look up, whatever it names."""
    own = (UNNAMED, session.subject) if session.id is None else (SESSION, session.id)
    return ((PERSON, session.subject), own)
