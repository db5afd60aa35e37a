"""What a vendor tells of: it must prove who it is, and somebody must be told."""

from collections.abc import Iterator

from pydantic import SecretStr

from gateway.config.events import EventsTable
from gateway.config.kinds import EVERY_ORG
from gateway.config.mistake import Finding, Path
from gateway.config.model import Settings, UpstreamSettings
from gateway.config.rules import unencrypted
from gateway.config.rules.tools import verifying, weakness

WEBHOOKS = "standard_webhooks"


def check(settings: Settings) -> Iterator[Finding]:
    """The findings about every upstream's events."""
    elsewhere = _secrets_of_people(settings)
    for name, org in settings.orgs.items():
        for upstream in org.upstreams.values():
            events = upstream.events
            if events is None:
                continue
            path: Path = ("orgs", name, "upstreams", upstream.name, "events")
            if name == EVERY_ORG:
                yield Finding(path, "their address names the org, and here none is: list the org")
            yield from _proven(upstream, events, path)
            yield from _told(events, path)
            yield from _once_only(events, elsewhere, path)
            if events.max_age > settings.store.retention:
                yield Finding(
                    (*path, "max_age"),
                    "is longer than store.retention: an event could be told again when nobody "
                    "remembers that it was here",
                )


def _proven(upstream: UpstreamSettings, events: EventsTable, path: Path) -> Iterator[Finding]:
    """Whether it is known how the vendor proves who it is."""
    callback = upstream.profile.events
    if callback is None:
        yield Finding(
            path,
            f"the profile {upstream.vendor} does not say how events look: one of your own may, in "
            "[vendors.NAME.events]",
        )
        return
    if events.verify is not None:
        yield from verifying(events.verify, (*path, "verify"))
        if events.secret:
            yield Finding((*path, "secret"), "there is `verify` already: one of the two")
        return
    if not events.secret and callback.signature != "bearer":
        yield Finding(
            (*path, "secret"),
            f"is required: what {upstream.vendor} signs with ({callback.signature})",
        )
    for secret in events.secret:
        if (message := weakness(callback.signature, secret)) is not None:
            yield Finding((*path, "secret"), message)


def _told(events: EventsTable, path: Path) -> Iterator[Finding]:
    """Whether there is anybody to be told, and how."""
    if not events.deliver and events.ga4 is None and events.lines is None:
        yield Finding(path, "nobody is told: give `deliver`, `ga4` or `lines`")
    for index, url in enumerate(events.deliver):
        yield from unencrypted.check(url, (*path, "deliver", index), unencrypted.LISTEN)
        if url in events.deliver[:index]:
            yield Finding((*path, "deliver", index), "stands there twice")
    if events.deliver and not events.sign:
        yield Finding(
            (*path, "sign"),
            "is required: or anybody could tell your service of events. Make one with "
            "`echo whsec_$(openssl rand -base64 32)`",
        )
    if events.sign and not events.deliver:
        yield Finding((*path, "sign"), "is for `deliver`: nothing else is signed")
    for secret in events.sign:
        if (message := weakness(WEBHOOKS, secret)) is not None:
            yield Finding((*path, "sign"), message)
    if events.ga4 is not None:
        if "?" in events.ga4.url:
            yield Finding((*path, "ga4", "url"), "has a query, which is ours to write")
        yield from unencrypted.check(events.ga4.url, (*path, "ga4", "url"), unencrypted.LISTEN)
    if events.first_wait > events.longest_wait:
        yield Finding((*path, "first_wait"), "is longer than `longest_wait`")


def _once_only(events: EventsTable, elsewhere: frozenset[str], path: Path) -> Iterator[Finding]:
    """A secret that signs people in is nobody else's: whoever has it is anybody."""
    verify = events.verify
    given: dict[Path, tuple[SecretStr, ...]] = {("secret",): events.secret, ("sign",): events.sign}
    if verify is not None:
        for form in ("bearer", "hmac_sha256", "hmac_sha1", WEBHOOKS):
            given["verify", form] = getattr(verify, form)
    for place, secrets in given.items():
        if any(secret.get_secret_value() in elsewhere for secret in secrets):
            yield Finding(
                (*path, *place),
                "is a secret that people are signed in with: whoever knows it could be any of them",
            )


def _secrets_of_people(settings: Settings) -> frozenset[str]:
    sign_ins = [one for org in settings.orgs.values() for one in org.sign_in]
    given = [getattr(one, "secret", None) for one in sign_ins]
    found = [settings.identity.secret]
    for one in given:
        found += one if isinstance(one, tuple) else [one]
    return frozenset(one.get_secret_value() for one in found if isinstance(one, SecretStr))
