"""Settings → the TOML of their long form: what was meant, with nothing left to be inferred.

What came by reference stays a reference, and what else is secret becomes stars.
"""

from collections.abc import Mapping
from typing import Any

from gateway.config.interpolate import masked
from gateway.config.load import Loaded
from gateway.config.mistake import Path, key_of
from gateway.config.rules.secrets import secret_paths, url_paths
from gateway.config.spelling import section, sections
from gateway.store.address import without_secret


def expanded(loaded: Loaded) -> str:
    """The long form. What is absent or empty in it has no line."""
    shown = _Shown(loaded)
    tree = shown.table(loaded.settings.model_dump(mode="json", by_alias=True), ())
    orgs: dict[str, dict[str, Any]] = tree.pop("orgs")
    own: dict[str, dict[str, Any]] = tree.pop("vendors", {})
    shared: list[dict[str, Any]] = tree.pop("sign_in", [])
    version = tree.pop("version")
    parts = [section(f"[{name}]", members) for name, members in tree.items()]
    parts += [section("[[sign_in]]", sign_in) for sign_in in shared]
    for name, vendor in own.items():
        parts += sections(("vendors", name), vendor)
    for name, org in orgs.items():
        if loaded.settings.orgs[name].shares_sign_ins:
            org["sign_in"] = []
        parts += _org(key_of(("orgs", name)), org)
    return "\n".join([f"version = {version}\n", *parts])


def profile(loaded: Loaded, name: str) -> dict[str, Any]:
    """A profile of the file itself, as it may be shown."""
    table = loaded.settings.vendors[name].model_dump(mode="json", exclude_defaults=True)
    return _Shown(loaded).table(table, ("vendors", name))


def _org(head: str, org: dict[str, Any]) -> list[str]:
    sign_ins, upstreams = org.pop("sign_in"), org.pop("upstreams")
    limits = org.pop("limits", None)
    return [
        section(f"[{head}]", org),
        *([section(f"[{head}.limits]", limits)] if limits else []),
        *(section(f"[[{head}.sign_in]]", sign_in) for sign_in in sign_ins),
        *(
            section(f"[{head}.{key_of(('upstreams', name))}]", upstream)
            for name, upstream in upstreams.items()
        ),
    ]


class _Shown:
    """Values as they may be shown."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._secret = frozenset(secret_paths(loaded.settings))
        self._urls = frozenset(url_paths(loaded.settings))

    def table(self, members: Mapping[str, Any], path: Path) -> dict[str, Any]:
        shown = {name: self._value(value, (*path, name)) for name, value in members.items()}
        return {name: value for name, value in shown.items() if value not in (None, [], {})}

    def _value(self, value: object, path: Path) -> object:
        written = self._loaded.as_written(path)
        if path in self._secret:
            many = written if isinstance(written, (list, tuple)) else [written]
            shown = [masked(text) for text in many if isinstance(text, str)]
            return shown if isinstance(value, list) else shown[0]
        if isinstance(written, str) and "${" in written and not isinstance(value, list):
            return without_secret(written) if path in self._urls else written
        if path in self._urls and isinstance(value, str):
            return without_secret(value)
        if isinstance(value, Mapping):
            return self.table(value, path)
        if isinstance(value, list):
            return [self._value(item, (*path, index)) for index, item in enumerate(value)]
        return value
