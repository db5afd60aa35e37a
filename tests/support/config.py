"""Configurations as text, the way operators write them, for vendors and issuers of a test.

    text = chatbase(vendor.url, issuer, store=tmp_path / "gateway.db")

Each is a whole file; `more` is further TOML at its end.
"""

import json
from pathlib import Path

from tests.support.tokens import Issuer

IDENTITY_SECRET = "identity-secret-for-tests-only-32b"


Members = dict[str, str | list[str]]


def chatbase(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "cb-key", more: str = ""
) -> str:
    """One org, Chatbase at `url` as the upstream `support`, sign-in by a shared secret (HS256)."""
    return (
        _common(store)
        + _table("[sign_in]", _hs256(issuer))
        + _table("[upstreams.support]", _chatbase(url, key))
        + more
    )


def docbit(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "sk_partner_1", more: str = ""
) -> str:
    """One org, DocBit at `url` as the upstream `docs`, sign-in by a shared secret (HS256)."""
    return (
        _common(store)
        + _table("[sign_in]", _hs256(issuer))
        + _table("[upstreams.docs]", _docbit(url, key))
        + more
    )


def bookbag(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "oc_key", more: str = ""
) -> str:
    """One org, Bookbag at `url` as the upstream `shop`, sign-in by a shared secret (HS256)."""
    profile: Members = {"vendor": "bookbag", "base_url": url, "key": key, "agent": "12"}
    return _single(issuer, store, "shop", profile) + more


def altatech(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "app-key", more: str = ""
) -> str:
    """One org, AltaTech at `url` as the upstream `bot`, sign-in by a shared secret (HS256)."""
    profile: Members = {"vendor": "altatech", "base_url": url, "key": key}
    return _single(issuer, store, "bot", profile) + more


def openai(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "sk-vendor", more: str = ""
) -> str:
    """One org, OpenAI at `url` as the upstream `llm`, sign-in by a shared secret (HS256)."""
    return _single(issuer, store, "llm", {"vendor": "openai", "base_url": url, "key": key}) + more


def anthropic(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "sk-ant-vendor", more: str = ""
) -> str:
    """One org, Anthropic at `url` as the upstream `claude`, sign-in by a shared secret (HS256)."""
    profile: Members = {"vendor": "anthropic", "base_url": url, "key": key}
    return _single(issuer, store, "claude", profile) + more


def dify(
    url: str, issuer: Issuer, *, store: Path | str, key: str = "app-vendor", more: str = ""
) -> str:
    """One org, Dify at `url` as the upstream `app`, sign-in by a shared secret (HS256)."""
    return _single(issuer, store, "app", {"vendor": "dify", "base_url": url, "key": key}) + more


def mcp(url: str, issuer: Issuer, *, store: Path | str, key: str = "mcp-key") -> str:
    """One org, an MCP server at `url` as the upstream `notes`, sign-in by a shared secret (HS256).

    Roles stand in the claim `roles`.
    """
    profile: Members = {"vendor": "mcp", "base_url": url, "key": key}
    return _single(issuer, store, "notes", profile).replace(
        "[sign_in]\n", '[sign_in]\nroles_claim = "roles"\n'
    )


def _single(issuer: Issuer, store: Path | str, name: str, upstream: Members) -> str:
    return (
        _common(store)
        + _table("[sign_in]", _hs256(issuer))
        + _table(f"[upstreams.{name}]", upstream)
    )


def two_orgs(
    chatbase_urls: tuple[str, str],
    docbit_url: str,
    issuers: tuple[Issuer, Issuer],
    *,
    store: Path | str,
    more: str = "",
) -> str:
    """acme on acme.test and globex on globex.test, strangers to each other.

    Each has an issuer of its own, a Chatbase of its own as `support` (keys `acme-cb-key` and
    `globex-cb-key`), and the one DocBit as `docs`, which is told the org: `org_acme`, `org_globex`.
    """
    text = _common(store)
    for org, url, issuer in zip(("acme", "globex"), chatbase_urls, issuers, strict=True):
        text += _table(f"[orgs.{org}]", {"hosts": [f"{org}.test"], "external_id": f"org_{org}"})
        text += _table(f"[[orgs.{org}.sign_in]]", _hs256(issuer))
        text += _table(f"[orgs.{org}.upstreams.support]", _chatbase(url, f"{org}-cb-key"))
        text += _table(f"[orgs.{org}.upstreams.docs]", _docbit(docbit_url, "sk_partner_1"))
    return text + more


def saas(
    acme_url: str,
    shared_url: str,
    docbit_url: str,
    issuers: tuple[Issuer, Issuer, Issuer],
    *,
    store: Path | str,
) -> str:
    """Many orgs under one name, told apart by a claim; one of them has a name of its own.

    `issuers`: the platform's, which vouches (`org_id`) for `org_acme`, `org_globex` and every org
    that is named nowhere; a partner's, which vouches (`tenant`) for `org_initech` alone; and that
    of `own`, at own.test. acme has a Chatbase of its own (key `acme-cb-key`), all others are users
    of one (`shared-cb-key`) that cannot tell them apart; DocBit is told the org.
    """
    platform, partner, own = issuers
    claimed: Members = {"org_claim": "org_id", "org_from": "field:x-org-id", "orgs": ["*"]}
    tenant: Members = {"org_claim": "tenant", "orgs": ["org_initech"]}
    text = _common(store)
    text += _table("[[sign_in]]", {**_hs256(platform), **claimed})
    text += _table("[[sign_in]]", {**_hs256(partner), **tenant})
    for org in ("acme", "globex", "initech"):
        members: Members = {"external_id": f"org_{org}", "origins": [f"https://{org}.example"]}
        text += _table(f"[orgs.{org}]", members)
        url, key = (acme_url, "acme-cb-key") if org == "acme" else (shared_url, "shared-cb-key")
        text += _table(f"[orgs.{org}.upstreams.support]", _chatbase(url, key))
        text += _table(f"[orgs.{org}.upstreams.docs]", _docbit(docbit_url, "sk_partner_1"))
    text += _table('[orgs."*".upstreams.support]', _chatbase(shared_url, "shared-cb-key"))
    text += _table('[orgs."*".upstreams.docs]', _docbit(docbit_url, "sk_partner_1"))
    text += _table("[orgs.own]", {"hosts": ["own.test"], "external_id": "org_own"})
    at_own: Members = {"org_claim": "org_id", "org_from": "field:x-org-id"}
    text += _table("[[orgs.own.sign_in]]", {**_hs256(own), **at_own})
    text += _table("[orgs.own.upstreams.support]", _chatbase(acme_url, "own-cb-key"))
    return text


def _common(store: Path | str) -> str:
    """`store` is a file of SQLite, or the URL of whatever it is."""
    url = store if isinstance(store, str) else f"sqlite:///{store}"
    return _table("[identity]", {"secret": IDENTITY_SECRET}) + _table("[store]", {"url": url})


def _hs256(issuer: Issuer) -> Members:
    return {
        "issuer": issuer.url,
        "audience": issuer.audience,
        "secret": issuer.secret,
        "algorithms": ["HS256"],
    }


def _chatbase(url: str, key: str) -> Members:
    return {"vendor": "chatbase", "base_url": url, "key": key, "agent": "agent_1"}


def _docbit(url: str, key: str) -> Members:
    profile = {"vendor": "external-user-id", "base_url": url, "key": key}
    return {**profile, "default_roles": ["employee"]}


def _table(heading: str, members: Members) -> str:
    # A JSON string or array of strings is one in TOML too.
    lines = [f"{name} = {json.dumps(value)}" for name, value in members.items()]
    return "\n".join([heading, *lines, "", ""])
