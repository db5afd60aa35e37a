"""A vendor's widget: what it is shown must be what it takes, and be signed where that counts."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from gateway.config.mistake import Finding, Path
from gateway.config.model import OrgSettings, UpstreamSettings
from gateway.config.rules.secrets import weakness
from gateway.config.sign_ins.jwt import JwtSignInSettings
from gateway.config.sign_ins.session import SessionSettings
from gateway.config.widget import WidgetTable

# Bytes of a secret. RFC 7518 section 3.2 for a token; a hash is as long as its vendor made it.
LEAST = {"jwt": 32, "user_hash": 16}


def check(orgs: Mapping[str, OrgSettings]) -> Iterator[Finding]:
    """The findings about every widget."""
    of_sign_ins: set[str] | None = None
    for name, org in orgs.items():
        for upstream in org.upstreams.values():
            if upstream.widget is None:
                continue
            if of_sign_ins is None:
                of_sign_ins = _signing_people_in(orgs)
            path: Path = ("orgs", name, "upstreams", upstream.name, "widget")
            yield from _check(upstream, upstream.widget, path)
            if not of_sign_ins.isdisjoint(_values(upstream.widget.secret)):
                yield Finding(
                    (*path, "secret"),
                    "is the secret of a sign-in: what pages are shown could sign people in here",
                )


def _signing_people_in(orgs: Mapping[str, OrgSettings]) -> set[str]:
    """The secrets that tokens and cookies of people are signed with."""
    sign_ins = {id(one): one for org in orgs.values() for one in org.sign_in}.values()
    signing = (one for one in sign_ins if isinstance(one, JwtSignInSettings | SessionSettings))
    return {value for one in signing for value in _values(one.secret)}


def _values(secrets: tuple[SecretStr, ...]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets]


def _check(upstream: UpstreamSettings, widget: WidgetTable, path: Path) -> Iterator[Finding]:
    taken = upstream.profile.widget
    if not taken:
        if upstream.profile.operations:  # else it is no profile, which is said elsewhere
            yield Finding(path, f"{upstream.vendor} has no widget that is told who sits before it")
        return
    proof = widget.proof or taken[0]
    if widget.workflow is not None and proof != "client_secret":
        yield Finding((*path, "workflow"), f"the widget of {upstream.vendor} has none")
    if proof not in taken:
        yield Finding(
            (*path, "proof"), f"the widget of {upstream.vendor} takes {' or '.join(taken)}"
        )
    elif proof == "user_id":
        yield from _unproven(upstream, widget, path)
    elif proof == "client_secret":
        yield from _session(upstream, widget, path)
    elif not widget.secret:
        yield Finding((*path, "secret"), f"is required: what {upstream.vendor} verifies people by")
    else:
        yield from _signed(proof, widget.secret, (*path, "secret"))


def _unproven(upstream: UpstreamSettings, widget: WidgetTable, path: Path) -> Iterator[Finding]:
    """A widget that believes what it is told."""
    if widget.secret:
        yield Finding((*path, "secret"), f"the widget of {upstream.vendor} verifies nothing")
    if upstream.user_id != "opaque":
        yield Finding(
            path,
            f"the widget of {upstream.vendor} believes whatever user id a page tells it: "
            'with user_id = "opaque" in the upstream nobody can guess another\'s',
            "warning",
        )


def _session(upstream: UpstreamSettings, widget: WidgetTable, path: Path) -> Iterator[Finding]:
    """A widget for which we make a session at the vendor."""
    if widget.secret:
        yield Finding((*path, "secret"), f"{upstream.vendor} makes one for each session itself")
    if widget.workflow is None:
        yield Finding((*path, "workflow"), "is required: what the widget talks to, as in wf_…")


def _signed(proof: str, secrets: tuple[SecretStr, ...], path: Path) -> Iterator[Finding]:
    for secret in secrets:
        if (message := weakness(secret, least=LEAST[proof])) is not None:
            yield Finding(path, message)
    if len(secrets) > 1:
        yield Finding(
            path,
            "the first signs, and the others wait: change their order once the vendor has another",
            "note",
        )
