"""`gateway schema`: the JSON Schema of a configuration, for editors."""

import json

import typer


def command() -> None:
    """Print the JSON Schema of a configuration file.

    Name it in the file's first line, and an editor with a TOML language server completes its keys:

        #:schema ./gateway.schema.json
    """
    from gateway.config.schema import schema

    typer.echo(json.dumps(schema(), indent=2))
