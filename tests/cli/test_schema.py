import json

from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config.schema import schema


def test_prints_the_schema():
    result = CliRunner().invoke(app, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == schema()
