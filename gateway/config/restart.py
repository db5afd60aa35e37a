"""What a process keeps for its whole life: these settings cannot change while it serves."""

from collections.abc import Iterator

from gateway.config.model import Settings

WHOLE = ("store", "admin", "audit", "traces", "shared", "identity")
MAY_CHANGE = frozenset({"trusted_proxies", "max_body"})  # of [server]


class NeedsRestart(Exception):
    """Settings that a process which serves cannot take; it says which."""


def require_no_restart(now: Settings, then: Settings) -> None:
    """Raises `NeedsRestart` when a change is among them that needs one."""
    changed = list(_changed(now, then))
    if changed:
        raise NeedsRestart(f"{', '.join(changed)}: a change there needs a restart")


def _changed(now: Settings, then: Settings) -> Iterator[str]:
    for name in WHOLE:
        if getattr(now, name) != getattr(then, name):
            yield name
    for name in type(now.server).model_fields:
        if name not in MAY_CHANGE and getattr(now.server, name) != getattr(then.server, name):
            yield f"server.{name}"
