"""The parts of the gateway that operators ask, as they are now: a reload may change them."""

from gateway.admin.lists import Lists
from gateway.admin.people import People
from gateway.app import Gateway
from gateway.assemble import Assembled
from gateway.core.errors import Unavailable


class Current:
    """Of a gateway which something else opens and closes."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lists: tuple[Assembled, Lists] | None = None

    @property
    def orgs(self) -> dict[str, str]:
        """Names to external_ids."""
        return {name: org.external_id for name, org in self._gateway.settings.orgs.items()}

    @property
    def names(self) -> dict[str, str]:
        """The same, from external_ids."""
        return {external_id: name for name, external_id in self.orgs.items()}

    @property
    def hosts(self) -> frozenset[str]:
        """The names by which operators reach this listener, beside addresses and localhost."""
        admin = self._gateway.settings.admin
        return frozenset() if admin is None else frozenset(admin.hosts)

    @property
    def assembled(self) -> Assembled:
        """Raises `Unavailable` while the gateway is not open."""
        assembled = self._gateway.assembled
        if assembled is None:
            raise Unavailable("The gateway is not open")
        return assembled

    @property
    def lists(self) -> Lists:
        """The same object until a reload: who reads waits for who has begun to."""
        assembled = self.assembled
        if self._lists is None or self._lists[0] is not assembled:
            self._lists = (assembled, Lists(assembled.process.store.database, self.orgs))
        return self._lists[1]

    @property
    def people(self) -> People:
        return People(self.assembled.process.store, self.orgs)
