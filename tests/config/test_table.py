import pytest

from gateway.config.table import Table
from gateway.config.written import File


def tables(table: type[Table]) -> set[type[Table]]:
    found = {table}
    for kind in Table.__subclasses__():
        found |= {kind, *kind.__subclasses__()}
    return found


@pytest.mark.parametrize("table", sorted(tables(File), key=lambda kind: kind.__name__))
def test_every_table_refuses_what_it_does_not_know(table: type[Table]):
    assert table.model_config["extra"] == "forbid"
    assert table.model_config["frozen"]
