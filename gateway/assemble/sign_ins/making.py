"""What the sign-ins of one process are made with."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from gateway.assemble.host import NO_HOST, Host
from gateway.assemble.parts import Parts
from gateway.assemble.signing_out import BackChannel
from gateway.authn.logout_token import LogoutTokens
from gateway.authn.verdicts import Verdicts
from gateway.core.profile.vendor import Vendor
from gateway.ports import Sessions

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Making:
    """What there is to make one sign-in of, beside its settings.

    `may_vouch_for` says of an org, by its external_id, whether the sign-in's word counts for it;
    what the sign-in holds open is closed with `parts`. `org` is whose own it is, by its
    external_id; "": orgs share it. `back_channel` is where providers say who has signed out.
    """

    parts: Parts
    vendors: Collection[Vendor]
    may_vouch_for: Callable[[str], bool] = lambda org: True
    remember: tuple[str, ...] = ()  # what else of a credential is kept, for contacts
    host: Host = NO_HOST
    org: str = ""
    back_channel: BackChannel | None = None

    def keep(self, made: Verdicts[T]) -> Verdicts[T]:
        """The same verdicts, closed with `parts` and forgotten when somebody has signed out."""
        self.parts.stack.push_async_callback(made.aclose)
        if self.back_channel is not None:
            self.parts.stack.callback(self.back_channel.when_ended(self.org, made.forget))
        return made

    def listen(self, tokens: LogoutTokens, *, oldest: float) -> Sessions:
        """Believe these logout tokens; what is returned tells whose sessions have ended."""
        if self.back_channel is None:
            raise ValueError("nobody hears who has signed out")
        self.parts.stack.callback(self.back_channel.listen(tokens, oldest=oldest))
        return self.back_channel.ended

    def default_places(self) -> tuple[str, ...]:
        """Where a bearer token stands: Authorization, and where the vendors' SDKs put their key."""
        names = dict.fromkeys(name for one in self.vendors for name in one.credential_fields)
        return ("authorization", *(f"field:{name}" for name in names))


def named(key: str, url: str) -> str:
    """What the log calls whoever is asked: a query may hold a secret."""
    return f"{key} {url.partition('?')[0]}"
