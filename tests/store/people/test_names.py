import pytest

from gateway.core.people.identity import Person
from gateway.store.database import Database
from gateway.store.ledger import Ledger
from gateway.store.people.names import Names, names_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("patience")]


async def names(database: Database, subject: str) -> Names:
    return await database.read(lambda connection: names_of(connection, Person("acme", subject)))


async def test_a_person_is_found_by_any_name_they_have_had(
    database: Database, ledger: Ledger
) -> None:
    visitor = "anon_" + 26 * "x"
    for one, other in ((visitor, "alice"), ("alice", "alice-2")):
        assert await ledger.become(Person("acme", one), Person("acme", other))
    assert await ledger.become(Person("globex", "bob"), Person("globex", "alice-2"))
    for subject in (visitor, "alice", "alice-2"):
        found = await names(database, subject)
        assert found.person == Person("acme", "alice-2")
        assert found.others == ("alice", visitor)
    assert await names(database, "stranger") == Names(Person("acme", "stranger"))
