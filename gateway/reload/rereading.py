"""A configuration read again, beside the traffic: an org that has not changed is the same object.

Many orgs are read by another process. Python runs one thread at a time, and whoever asks something
would wait for each step of a reading that takes seconds; what they leave in memory goes as well.
That process sends what it has read org by org, so that this one never works long at a stretch.
"""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, TypeAlias, cast

from gateway.config.load import load
from gateway.config.mistake import ConfigError
from gateway.config.model import OrgSettings, Settings
from gateway.config.surroundings import ALONE
from gateway.config.toml_file import refuse_pipe

MANY = 500  # orgs; fewer are read in a tenth of a second
TURN = 0.002  # seconds of work, after which others have a turn
REST = 0.0005  # seconds: one that is woken needs some to begin
LESS_URGENT = 5  # than those who answer: such a process has a quarter of a core that is busy
READ, REFUSED = "read", "refused"
_START: Final = (
    "import sys; sys.path[:] = {path!r}; from gateway.reload.rereading import main; main()"
)

Name: TypeAlias = tuple[str, int | str]


class NotRead(Exception):
    """The other process has not sent all; standard error may have its reason."""


def reread(file: Path, overrides: Mapping[str, str], before: Settings) -> Settings:
    """The settings that a file means now; of those `before`, all that is still alike.

    Raises:
        ConfigError: it must not run; every mistake is in it.
        NotRead: a fault of the gateway's own, or of the machine.
    """
    refuse_pipe(file)
    if len(before.orgs) < MANY:
        return load(file, overrides=overrides, around=ALONE).settings
    try:
        return _read_apart(json.dumps([str(file), dict(overrides)]), before)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        told = "the process that reads it did not come to its end, or could not begin"
        raise NotRead(told) from error


def _read_apart(asked: str, before: Settings) -> Settings:
    with subprocess.Popen(  # noqa: S603 - this same program
        [sys.executable, "-c", _START.format(path=sys.path), asked],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a terminal's signals are for those who serve
    ) as process:
        try:
            return _received(cast("IO[bytes]", process.stdout), before)
        finally:
            process.kill()


def main() -> None:
    """Read what the argument asks for, and send what it means to standard output."""
    os.nice(LESS_URGENT)
    file, overrides = json.loads(sys.argv[1])
    try:
        settings = load(file, overrides=overrides, around=ALONE).settings
    except ConfigError as error:
        _Sender(sys.stdout.buffer, {}).dump((REFUSED, error.mistakes))
    else:
        _send(sys.stdout.buffer, settings)
    sys.stdout.buffer.flush()
    os._exit(0)  # to let go of it all piece by piece takes a second


def _send(stream: IO[bytes], settings: Settings) -> None:
    itself = settings.model_copy(update={"orgs": {}, "profiles": {}})
    _Sender(stream, {}).dump((READ, (itself, settings.profiles)))
    names = {id(one): name for name, one in _shared(settings.sign_in, settings.profiles).items()}
    for org in settings.orgs.values():
        _Sender(stream, names).dump(org)
    _Sender(stream, {}).dump(None)


def _received(stream: IO[bytes], before: Settings) -> Settings:
    how, told = _Receiver(stream, {}).load()
    if how == REFUSED:
        raise ConfigError(told)
    now: Settings
    now, profiles = told
    sign_in = _kept(before.sign_in, now.sign_in)
    profiles = {name: _kept(before.profiles.get(name), one) for name, one in profiles.items()}
    shared, orgs = _shared(sign_in, profiles), dict[str, OrgSettings]()
    turn = time.monotonic() + TURN
    while (org := _Receiver(stream, shared).load()) is not None:
        # Shared sign-ins are known by identity: with others, whoever has them has changed.
        changed = org.shares_sign_ins and sign_in is not before.sign_in
        orgs[org.name] = org if changed else _kept(before.orgs.get(org.name), org)
        if time.monotonic() > turn:
            time.sleep(REST)
            turn = time.monotonic() + TURN
    return now.model_copy(update={"sign_in": sign_in, "profiles": profiles, "orgs": orgs})


def _kept(was: Any, now: Any) -> Any:
    return was if was == now else now


def _shared(sign_in: Sequence[object], profiles: Mapping[str, object]) -> dict[Name, object]:
    """What several orgs have, and is not sent with each of them."""
    return {
        **{("sign_in", index): one for index, one in enumerate(sign_in)},
        **{("profile", name): one for name, one in profiles.items()},
    }


class _Sender(pickle.Pickler):
    """Writes one object; for what it holds that has a name, by identity, that name."""

    dispatch_table = {  # noqa: RUF012 - so the library names it
        MappingProxyType: lambda mapping: (_read_only, (dict(mapping),))
    }

    def __init__(self, stream: IO[bytes], names: Mapping[int, Name]) -> None:
        super().__init__(stream)
        self._names = names

    def persistent_id(self, one: object) -> Name | None:
        return self._names.get(id(one))


class _Receiver(pickle.Unpickler):
    """Reads one object."""

    def __init__(self, stream: IO[bytes], named: Mapping[Name, object]) -> None:
        super().__init__(stream)
        self._named = named

    def persistent_load(self, name: Any) -> object:
        return self._named[name]


def _read_only(members: dict[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(members)  # a type that has no name to be found by
