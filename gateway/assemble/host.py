"""The application that a gateway stands in."""

from dataclasses import dataclass

from starlette.types import ASGIApp

from gateway.authn.host import Identify
from gateway.config.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Host:
    """`app` is what a middleware wraps; `identify` says who its people are. None: there is none."""

    app: ASGIApp | None = None
    identify: Identify | None = None

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(wraps=self.app is not None, identifies=self.identify is not None)


NO_HOST = Host()
