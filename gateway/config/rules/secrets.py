"""Secrets: strong enough to sign with, and not written out in the file."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import SecretStr

from gateway.authn.keys import MIN_DISTINCT, PUBLISHED_SECRETS
from gateway.config.interpolate import is_reference
from gateway.config.mistake import Finding, Path
from gateway.config.model import Settings
from gateway.config.table import Table
from gateway.core.formats.strictjson import JsonValue
from gateway.store.address import is_postgres, without_secret

# Of templates that are long enough to look strong; shorter ones fail by their length.
WELL_KNOWN = PUBLISHED_SECRETS | frozenset(
    {
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "your-secret-key-must-be-at-least-32-characters-long",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        # Flask's quickstart and its page on configuration.
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        '_5#y2L"F4Q8z\\n\\xec]/',
    }
)
_WRITTEN_OUT = 'is written out here: "${env:NAME}" or "${file:/path}" keeps it out of the file'
_PASSWORD = f"its password {_WRITTEN_OUT}"
# As shells, Compose, LiteLLM and Windows name a variable; taken as it stands it would be the key.
_FOREIGN = re.compile(r"(?i:\$[a-z_]\w*|env[:.]\s*\w+|(?:os|process)[./]env\w*[./]\w+|%\w+%)")
_NOT_READ = 'is taken as it stands here, and is no variable\'s value: write "${env:NAME}"'
_STORE: Path = ("store", "url")
_WORD = re.compile(r"(?:^[A-Za-z]{1,16} (?=\{key\}))?\{[a-z]+\}")  # a scheme before the key is none
_ANY_WORD = re.compile(r"\{[a-z]+\}")
_SCHEME = re.compile(r"^[A-Za-z]{1,16} +")
_PLAIN = {str, int, float, bool, NoneType}
_SECRET_FIELD = re.compile(r"auth|key|token|secret|password|credential|cookie|signature")
# Stricter: vendors say again what a member held, and `prompt_cache_key` or `author` may be said.
_SECRET_MEMBER = re.compile(
    r"(?:.*[_-])?(?:authorization|(?:api|access|private|secret|service)[_-]?key"
    r"|secret|token|password|passphrase|credentials?|cookie)"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def weakness(secret: SecretStr, *, least: int, by: str = "RFC 7518 section 3.2") -> str | None:
    """Why this cannot be a key of an HMAC with `least` bytes of output; None when it can.

    RFC 7518 section 3.2: a key of the same size as the hash output or larger MUST be used.
    RFC 2104 section 3 strongly discourages any other. `by` is the one that is told of.
    """
    value = secret.get_secret_value()
    if len(value.encode()) < least:
        made = f"make one with `openssl rand -hex {least}`"
        return f"has fewer than {least} bytes ({by}): {made}"
    if value in WELL_KNOWN:
        return "is the example of a well-known document, so everybody knows it"
    if len(set(value.encode())) < MIN_DISTINCT:
        return "repeats a few characters, so it can be guessed"
    return None


def written_out(settings: Settings, written: Callable[[Path], object]) -> Iterator[Finding]:
    """A warning for each secret that stands in the file itself; an error for a name in its place.

    `written` gives what the file has at a path of the long form, None where it has nothing.
    """
    for path in secret_paths(settings):
        found = written(path)
        for index, text in enumerate(found if isinstance(found, (list, tuple)) else (found,)):
            if isinstance(text, str) and _FOREIGN.fullmatch(text):
                yield Finding((*path, index), _NOT_READ)
            elif isinstance(text, str) and text and not is_reference(text):
                yield Finding((*path, index), _WRITTEN_OUT, "warning")
    for place in url_paths(settings):
        url = written(place)
        is_file = place == _STORE and isinstance(url, str) and not is_postgres(url)
        if isinstance(url, str) and not is_file and without_secret(url) != url:
            yield Finding(place, _PASSWORD, "warning")


def url_paths(settings: Settings) -> Iterator[Path]:
    """Where the settings have a URL in which a password may stand."""
    yield _STORE
    yield ("shared", "url")
    for name, org in settings.orgs.items():
        for upstream in org.upstreams:
            yield ("orgs", name, "upstreams", upstream, "proxy")


def secret_paths(settings: Settings) -> Iterator[Path]:
    """Where the settings hold a secret; one path for a list of them."""
    return _secrets(settings, ())


def is_secret_field(name: str, template: str) -> bool:
    """Whether a field's own template holds a credential, by the field's name."""
    return bool(_SECRET_FIELD.search(name.lower()) and _WORD.sub("", template).strip())


def secret_texts(fields: Mapping[str, str]) -> Iterator[str]:
    """What of the templates of these fields is a credential, without a scheme before it."""
    for name, template in fields.items():
        if is_secret_field(name, template):
            for text in _ANY_WORD.split(template):
                yield _SCHEME.sub("", text.strip())


def is_secret_member(name: str) -> bool:
    """Whether a text that the server writes into a body is a credential, by its member's name."""
    return _SECRET_MEMBER.fullmatch(_HUMP.sub("_", name).lower()) is not None


def secret_members(decided: Mapping[str, JsonValue]) -> Iterator[tuple[Path, str]]:
    """The credentials in what the server writes into bodies, and where they stand there."""
    for written, value in decided.items():
        yield from _members(value, (written,), written.rpartition("/")[2])


def _members(value: JsonValue, path: Path, name: str) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _members(item, (*path, inner), inner)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _members(item, (*path, index), name)
    elif isinstance(value, str) and is_secret_member(name):
        yield path, value


@cache
def _keys(table: type[Table]) -> tuple[tuple[str, str], ...]:
    """The names of a table's fields in which a secret can be, each with a file's key for it."""
    return tuple(
        (name, field.alias or name)
        for name, field in table.model_fields.items()
        if not _is_plain(field.annotation)
    )


def _is_plain(kind: object) -> bool:
    """Whether a field of this annotation holds texts, numbers and choices alone."""
    origin = get_origin(kind)
    if origin is Literal:
        return True
    if origin in {tuple, Union, UnionType}:
        return all(_is_plain(one) for one in get_args(kind) if one is not Ellipsis)
    return _is_plain(get_args(kind)[0]) if origin is Annotated else kind in _PLAIN


def _secrets(value: object, path: Path) -> Iterator[Path]:
    if isinstance(value, SecretStr):
        yield path
    elif isinstance(value, Table):
        for name, key in _keys(type(value)):
            yield from _secrets(getattr(value, name), (*path, key))
    elif isinstance(value, tuple) and value and isinstance(value[0], SecretStr):
        yield path  # of all: empty ones are gone, so an index here is not one in the file
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _secrets(item, (*path, index))
    elif isinstance(value, Mapping) and path[-1:] == ("set",):
        yield from ((*path, *inner) for inner, _ in secret_members(value))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            holds = path[-1:] == ("fields",) and isinstance(item, str)
            if holds and is_secret_field(name, item):
                yield (*path, name)
            else:
                yield from _secrets(item, (*path, name))
