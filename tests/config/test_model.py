import pytest
from pydantic import ValidationError

from gateway.config.model import Table
from gateway.config.written import File
from tests.config.conftest import Load
from tests.config.parts import STRONG, short


def test_settings_do_not_change(loaded: Load):
    settings = loaded(short()).settings
    with pytest.raises(ValidationError, match="frozen"):
        settings.server.listen = "0.0.0.0:1"


def test_settings_do_not_show_secrets(loaded: Load):
    text = f"identity.secret = '{STRONG}'\n" + short(
        sign_in=f'secret = "{STRONG}"', upstream='fields = { x-api-key = "CANARY" }'
    )
    shown = repr(loaded(text, KEY="CANARY"))
    assert "CANARY" not in shown
    assert STRONG not in shown


def tables(table: type[Table]) -> set[type[Table]]:
    found = {table}
    for kind in Table.__subclasses__():
        found |= {kind, *kind.__subclasses__()}
    return found


@pytest.mark.parametrize("table", sorted(tables(File), key=lambda kind: kind.__name__))
def test_every_table_refuses_what_it_does_not_know(table: type[Table]):
    assert table.model_config["extra"] == "forbid"
    assert table.model_config["frozen"]
