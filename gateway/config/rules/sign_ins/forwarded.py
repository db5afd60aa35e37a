"""A forwarded identity: a secret nobody guesses, and fields that say one thing each."""

from collections.abc import Iterator

from gateway.config.kinds import field_name
from gateway.config.mistake import Finding, Path
from gateway.config.rules.secrets import weakness
from gateway.config.sign_ins.forwarded import ForwardedSettings
from gateway.core.formats.fields import VISIBLE

LEAST = 16  # bytes: it is guessed at over the network or not at all
FIELDS = ("forwarded", "org_field", "roles_field")


def check(sign_in: ForwardedSettings, path: Path) -> Iterator[Finding]:
    """The findings about one."""
    for secret in sign_in.shared_secret:
        shown = secret.get_secret_value()
        if len(shown.encode()) < LEAST:
            message: str | None = f"has fewer than {LEAST} bytes: `openssl rand -hex 32` makes one"
        elif not VISIBLE.fullmatch(shown):
            message = "must be printable ASCII without spaces at its ends: it stands in a field"
        else:
            message = weakness(secret, least=LEAST)
        if message is not None:
            yield Finding((*path, "shared_secret"), message)
    try:
        field_name(sign_in.forwarded)
    except ValueError as error:
        yield Finding((*path, "forwarded"), str(error))
    seen: set[str] = set()
    for key in FIELDS:
        written = getattr(sign_in, key)
        if written is not None and written.lower() in seen:
            yield Finding((*path, key), "another key reads this field already")
        seen.add((written or "").lower())
