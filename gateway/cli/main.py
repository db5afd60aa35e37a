"""The command `gateway`: one table of commands, each imported when it is run.

Exit codes: 0 done, 1 failed, 2 usage, 78 configuration (EX_CONFIG).
"""

import errno
import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what is typed, the function it runs as "module:function", and one line of help."""

    words: str
    function: str
    help: str

    def build(self) -> Any:
        """The command itself; imports its module."""
        module, _, name = self.function.partition(":")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(self.words.split()[-1])(getattr(import_module(module), name))
        return get_command(alone)


COMMANDS = (
    Command("demo", "gateway.cli.demo:command", "A working chat to try, on this machine alone."),
    Command("init", "gateway.cli.init:command", "Begin a configuration."),
    Command("serve", "gateway.cli.serve:command", "Run the gateway."),
    Command("check", "gateway.cli.check:command", "Find every mistake in a configuration."),
    Command("explain", "gateway.cli.explain:command", "Show what would happen to a request."),
    Command("replay", "gateway.cli.replay:command", "Show what would happen to recorded requests."),
    Command("schema", "gateway.cli.schema:command", "Print the JSON Schema of a configuration."),
    Command("vendors", "gateway.cli.vendors:command", "Show the profiles and their operations."),
    Command("usage", "gateway.cli.usage:command", "Show what people used, summed as you ask."),
    Command("audit", "gateway.cli.audit:command", "Show the audit trail, or verify it."),
    Command("conversations", "gateway.cli.conversations:list_", "List who owns which."),
    Command(
        "conversations import",
        "gateway.cli.conversations:import_",
        "Take over who owns which conversation.",
    ),
    Command("users export", "gateway.cli.users:export", "Write everything held of a person."),
    Command("users erase", "gateway.cli.users:erase", "Erase a person, and leave a tombstone."),
    Command("users block", "gateway.cli.blocking:block", "Let a person, or an org, in no longer."),
    Command("users unblock", "gateway.cli.blocking:unblock", "Let them in again."),
    Command("users blocked", "gateway.cli.blocking:blocked", "List who is blocked."),
    Command("users rename", "gateway.cli.users:rename", "Carry a history to a new subject."),
    Command("users merge", "gateway.cli.users:merge", "Make two people one."),
    Command("events list", "gateway.cli.events:list_", "List what could not be delivered yet."),
    Command("events replay", "gateway.cli.events:replay", "Deliver again what was given up."),
    Command("events drop", "gateway.cli.events:drop", "Forget what was given up."),
    Command("db migrate", "gateway.cli.db:migrate", "Bring the store to its newest form."),
    Command("db status", "gateway.cli.db:status", "Say where the store is and in which form."),
    Command("db import", "gateway.cli.db:import_", "Move a SQLite store into PostgreSQL."),
    Command("db backup", "gateway.cli.db:backup", "Copy a SQLite store while it is in use."),
    Command("token mint", "gateway.cli.token:mint", "Make a development token."),
)
GROUPS = {
    "conversations": "Who owns which conversation.",
    "db": "The store.",
    "users": "One person, or all of an org.",
    "events": "What vendors told of, and nobody was told yet.",
    "token": "Development tokens.",
}


class LazyGroup(TyperGroup):
    """Lists its commands from a table; imports the one that is run."""

    def __init__(self, *, table: tuple[Command, ...] = COMMANDS, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._table = {row.words.split()[0]: row for row in table}
        self._alone = {row.words: row for row in table if " " not in row.words}
        self.commands = {name: self._listed(name, row) for name, row in self._table.items()}

    def _listed(self, name: str, row: Command) -> Any:
        first, _, rest = row.words.partition(" ")
        if not rest:
            return TyperCommand(name, help=row.help)
        below = tuple(
            Command(one.words.removeprefix(f"{first} "), one.function, one.help)
            for one in COMMANDS
            if one.words.startswith(f"{first} ")
        )
        return LazyGroup(name=name, table=below, help=GROUPS[name], no_args_is_help=True)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        alone = self._alone.get(name or "")
        if alone is not None and not _is_below(command, rest):
            command = alone.build()
        return name, command, rest


def _is_below(command: Any, rest: list[str]) -> bool:
    """Whether what was typed is a command of a group, which is a command by itself as well."""
    return isinstance(command, LazyGroup) and bool(rest) and rest[0] in command.commands


app = typer.Typer(
    cls=LazyGroup,
    help="An identity gateway for chat and agent APIs.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},  # all below have them from here
    # A traceback with the values of its variables would print keys and tokens.
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        # 25 ms of the 150 that `--help` takes, were it imported above.
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"gateway {version('chat-identity-gateway')}")
        except PackageNotFoundError:
            typer.echo("gateway, from a checkout that is not installed")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version  # its callback has answered


def main() -> None:
    """Run the command that was typed."""
    from gateway.config.mistake import ConfigError

    try:
        app(prog_name="gateway")
    except ConfigError as error:
        from gateway.cli.options import misconfigured

        sys.exit(misconfigured(error).exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        typer.echo(f"Cannot write: {error.strerror}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the end tries again
        sys.exit(1)
