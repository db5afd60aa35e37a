import pytest
from pydantic import ValidationError

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
