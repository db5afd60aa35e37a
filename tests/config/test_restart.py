"""What a process that serves can take, and what it must be started anew for."""

from typing import Any

import pytest

from gateway.config.load import from_dict
from gateway.config.model import Server, Settings
from gateway.config.restart import MAY_CHANGE, WHOLE, NeedsRestart, require_no_restart

CONFIG: dict[str, Any] = {
    "sign_in": {"issuer": "https://id.example/", "audience": "chat"},
    "upstreams": {"support": {"vendor": "chatbase", "key": "k", "agent": "a"}},
}


def settings(**more: Any) -> Settings:
    return from_dict({**CONFIG, **more}, environment={}).settings


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"server": {"trusted_proxies": ["10.0.0.0/8"], "max_body": "2MiB"}},
        {"sign_in": {"issuer": "https://other.example/", "audience": "chat"}},
        {"limits": {"per_user": ["10/s"]}},
        {"upstreams": {"other": {"vendor": "chatbase", "key": "k2", "agent": "*"}}},
    ],
    ids=["nothing", "server", "sign_in", "limits", "upstreams"],
)
def test_what_orgs_are_may_change(more: dict[str, Any]) -> None:
    require_no_restart(settings(), settings(**more))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"store": {"url": "sqlite:///other.db"}}, "store"),
        ({"admin": {"token": "token-of-operators-for-tests-only"}}, "admin"),
        ({"audit": {"file": "stdout"}}, "audit"),
        ({"traces": {}}, "traces"),
        ({"shared": {"url": "redis://127.0.0.1/"}}, "shared"),
        ({"identity": {"secret": "identity-secret-for-tests-only-32b"}}, "identity"),
        ({"server": {"listen": "127.0.0.1:1", "drain": "1s"}}, "server.listen, server.drain"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_process_has_all_its_life_may_not(more: dict[str, Any], says: str) -> None:
    with pytest.raises(NeedsRestart, match=f"^{says}: a change there needs a restart$"):
        require_no_restart(settings(), settings(**more))


def test_nothing_is_forgotten() -> None:
    """A new table or key of the server's is one or the other."""
    elsewhere = {"server", "version", "sign_in", "orgs", "vendors", "profiles"}
    assert set(Settings.model_fields) == set(WHOLE) | elsewhere
    assert set(Server.model_fields) >= MAY_CHANGE
