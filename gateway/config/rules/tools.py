"""The tools a vendor may call: who it is must be proven, and of whom it speaks must be said."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings
from gateway.config.rules import unencrypted
from gateway.config.tools import ToolTable, VerifyTable
from gateway.core.events.signature import webhook_secret

FORMS = ("bearer", "hmac_sha256", "hmac_sha1", "standard_webhooks")
SHORTEST = 16  # bytes of a token or secret


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about every tool."""
    for name, org in orgs.items():
        for upstream in org.upstreams.values():
            path: Path = ("orgs", name, "upstreams", upstream.name, "tools")
            for key, tool in upstream.tools.items():
                yield from _check(tool, (*path, key))


def _check(tool: ToolTable, path: Path) -> Iterator[Finding]:
    yield from unencrypted.check(tool.url, (*path, "url"), unencrypted.LISTEN)
    yield from verifying(tool.verify, (*path, "verify"))
    if tool.user.startswith("body:") and tool.conversation is None:
        yield Finding(
            (*path, "conversation"),
            "is required, since `user` is in the body: what stands there may come from the chat "
            "itself, and counts only beside a conversation that is that person's",
        )


def verifying(table: VerifyTable, path: Path) -> Iterator[Finding]:
    """The findings about how a caller proves who it is."""
    given = [form for form in FORMS if getattr(table, form)]
    if not given:
        yield Finding(path, f"needs one of {', '.join(FORMS)}: or anybody could call")
    for form in given[1:]:
        yield Finding((*path, form), f"there is {given[0]} already: one form, with its secrets")
    hmac = given[:1] in (["hmac_sha256"], ["hmac_sha1"])
    if hmac and table.field is None:
        yield Finding((*path, "field"), "is required: where the signature stands")
    if given and not hmac and (table.field is not None or table.prefix):
        yield Finding((*path, "field"), f"is for an HMAC; {given[0]} has its own place")
    for form in given:
        for secret in getattr(table, form):
            if (message := weakness(form, secret)) is not None:
                yield Finding((*path, form), message)


def weakness(form: str, secret: SecretStr) -> str | None:
    """Why a secret of this form can be guessed, or is none; None where all is well."""
    value = secret.get_secret_value()
    if form == "standard_webhooks":
        try:
            webhook_secret(value)
        except ValueError as error:
            return str(error)
        return None
    if len(value.encode()) < SHORTEST:
        return f"has fewer than {SHORTEST} bytes: make one with `openssl rand -hex 32`"
    return None
