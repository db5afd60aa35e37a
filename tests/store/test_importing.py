import pytest

from gateway.core.people.identity import Person
from gateway.ports import Whose
from gateway.store.importing import NotAList, Outcome, read, take_over
from gateway.store.ledger import Ledger

pytestmark = pytest.mark.anyio
ALICE, BOB = Person("acme", "alice"), Person("acme", "bob")


async def taken(ledger: Ledger, text: str, *, write: bool) -> Outcome:
    rows = list(read(text.splitlines()))
    return await take_over(ledger, rows, org="acme", upstream="support", write=write)


async def test_a_dry_run_writes_nothing(ledger: Ledger) -> None:
    outcome = await taken(ledger, "conversation,subject\nc-1,alice\nc-2,bob\n", write=False)
    assert (outcome.new, outcome.there, outcome.conflicts) == (2, 0, [])
    assert await ledger.whose("support", "c-1", ALICE) is Whose.NOBODYS


async def test_records_owners_once(ledger: Ledger) -> None:
    text = "subject,conversation,note\nalice,c-1,x\nbob,c-2,y\n"
    assert (await taken(ledger, text, write=True)).new == 2
    assert await ledger.whose("support", "c-1", ALICE) is Whose.THEIRS
    again = await taken(ledger, text, write=True)
    assert (again.new, again.there) == (0, 2)


@pytest.mark.parametrize("write", [False, True])
async def test_what_is_anothers_stays_anothers(ledger: Ledger, write: bool) -> None:
    await ledger.claim("support", "c-1", BOB)
    outcome = await taken(ledger, "conversation,subject\nc-1,alice\n", write=write)
    assert [row.line for row in outcome.conflicts] == [2]
    assert await ledger.owner("acme", "support", "c-1") == BOB


@pytest.mark.parametrize("write", [False, True])
async def test_a_list_that_contradicts_itself_is_told(ledger: Ledger, write: bool) -> None:
    text = "conversation,subject\nc-1,alice\nc-1,bob\nc-1,alice\n"
    outcome = await taken(ledger, text, write=write)
    assert [row.line for row in outcome.conflicts] == [3]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (",alice", "no conversation id"),
        ("a/b,alice", "no conversation id"),
        ("c-1,", "no subject"),
        ("c-1,  ", "no subject"),
        ("c-1", "no subject"),
        ("c 1,alice", "no conversation id"),
    ],
)
async def test_a_row_that_cannot_be_taken_is_told(ledger: Ledger, row: str, fault: str) -> None:
    outcome = await taken(ledger, f"conversation,subject\n{row}\nc-9,alice\n", write=True)
    assert [(one.line, one.fault) for one in outcome.faults] == [(2, fault)]
    assert outcome.new == 1


@pytest.mark.parametrize("head", ["", "conversation\n", "id,owner\n", "subject\n"])
def test_a_list_without_its_columns_is_none(head: str) -> None:
    with pytest.raises(NotAList, match="names no column"):
        list(read((head + "a,b\n").splitlines()))


async def test_many_rows_go_in_batches(ledger: Ledger) -> None:
    text = "conversation,subject\n" + "".join(f"c-{n},alice\n" for n in range(1000))
    assert (await taken(ledger, text, write=True)).new == 1000
    assert await ledger.whose("support", "c-999", ALICE) is Whose.THEIRS
