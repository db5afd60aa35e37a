import pytest

from gateway.config.expand import expanded
from gateway.config.rules import server
from tests.config.conftest import Load, Told
from tests.config.parts import mine, org, short

LIMITS = """\
[orgs.acme.limits]
per_user = ["60/minute", "5 streams"]
per_org = "1000/minute"
budget_per_user = ["200 credits/day", "2000000 tokens/month"]
budget_per_org = "5000 credits/month"
reserve = ["2 credits", "500 tokens"]
"""
SHARED = '[shared]\nurl = "redis://127.0.0.1:6379/0"\n'


def limited(*lines: str, more: str = SHARED) -> str:
    """The short form, with these lines of [limits] from line 9 on."""
    return short() + "[limits]\n" + "\n".join(lines) + "\n" + more


def test_what_the_contract_shows_is_accepted(told: Told) -> None:
    assert told(org("acme") + LIMITS + SHARED) == []
    assert told(short(upstream='vendor_limit = "100/10s"')) == []


def test_the_short_form_has_its_own(loaded: Load) -> None:
    found = loaded(limited('per_user = "60/minute"')).settings.orgs["default"].limits
    assert [one.count for one in found.per_user] == [60]  # type: ignore[union-attr]


def test_and_the_long_form_has_each_orgs(told: Told) -> None:
    assert told(org("acme") + '[limits]\nper_user = "60/minute"\n') == [
        "9:2  error  limits: with [orgs], limits are each org's own: orgs.NAME.limits"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'per_user = ["6/minute", "60/60s"]',
            "9:25  error  limits.per_user[1]: limits the same as another of these",
        ),
        (
            'per_org = ["5 streams", "6 streams"]',
            "9:25  error  limits.per_org[1]: limits the same as another of these",
        ),
        (
            'budget_per_user = ["5 credits/day", "6 credits/day"]',
            "9:37  error  limits.budget_per_user[1]: is another budget of the same unit and period",
        ),
        (
            'budget_per_user = "0.5 credits/day"',
            "9:1  error  limits.budget_per_user: is less than the reserve, 1 credit, so nobody "
            "could ask anything",
        ),
        (
            'budget_per_org = "999 tokens/day"',
            "9:1  error  limits.budget_per_org: is less than the reserve, 1000 tokens, so nobody "
            "could ask anything",
        ),
        ('reserve = "1 credit"', "9:1  error  limits.reserve: no budget is of credits"),
        (
            'budget_per_user = "5 credits/day"\nreserve = ["1 credit", "2 credits"]',
            "10:24  error  limits.reserve[1]: is another reserve of the same unit",
        ),
        (
            'per_user = "60"',
            '9:1  error  limits.per_user: must be a number and a time, as in "60/minute" or '
            '"100/10s", or answers under way, as in "5 streams"',
        ),
        (
            'budget = "5 credits/day"',
            "9:1  error  limits.budget: ",
        ),
    ],
)
def test_what_contradicts_itself_is_said(line: str, said: str, told: Told) -> None:
    (found,) = told(limited(line))
    assert found.startswith(said)


def test_a_smaller_reserve_makes_a_small_budget_good(told: Told) -> None:
    assert told(limited('budget_per_user = "0.5 credits/day"', 'reserve = "0.1 credits"')) == []


def test_a_budget_that_nothing_counts_for_is_said(told: Told) -> None:
    text = mine() + '[limits]\nbudget_per_user = "5 credits/day"\n' + SHARED
    (found,) = told(text)
    assert "warning  limits.budget_per_user: does not count upstreams.mine" in found
    thinking = "say = { method = 'POST', path = '/say', members = 'm', opens = 'body:/id', "
    assert (
        told(
            mine(thinking + "thinks = true }")
            + text.partition("[limits]")[1]
            + text.partition("[limits]")[2]
        )
        == []
    )


def test_one_key_has_one_limit(told: Told) -> None:
    texts = [
        org(name, more=f'path = "/{name}"').replace(
            'agent = "agent_1"', f'agent = "agent_1"\nvendor_limit = "{limit}"'
        )
        for name, limit in (("a", "100/10s"), ("b", "50/10s"))
    ]
    (found,) = told("".join(texts))
    assert found.endswith(
        "orgs.b.upstreams.support.vendor_limit: orgs.a.upstreams.support has the same key, and "
        "100/10 seconds"
    )
    assert told("".join(texts).replace("50/10s", "100/10s")) == []


@pytest.mark.parametrize(
    "url",
    [
        *("redis://127.0.0.1:6379/0", "redis://valkey", "rediss://valkey.example:6380/3"),
        *("unix:///run/valkey.sock", "unix:///run/valkey.sock?db=2", "redis://[::1]:6379"),
    ],
)
def test_what_is_shared_is_a_redis_or_valkey(url: str, told: Told) -> None:
    assert told(f'shared = {{ url = "{url}", on_failure = "closed" }}\n' + short()) == []


@pytest.mark.parametrize(
    "url",
    [
        *("", "valkey", "valkey://host", "http://host", "redis://", "redis://:6379", "unix://"),
        *("redis://host:x", "redis://host:99999", "redis://host/x", "redis://host/0/1"),
        *("redis://host/0?protocol=3", "redis://host/0#x", "unix:///x?db=x", "redis://[::1"),
    ],
)
def test_and_nothing_else(url: str, told: Told) -> None:
    (found,) = told(f'shared.url = "{url}"\n' + short())
    assert "error  shared.url: " in found


def test_the_library_for_it_is_an_extra(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    assert told('shared.url = "redis://host"\n' + short()) == [
        "1:1  error  shared: needs the extra redis: pip install 'chat-identity-gateway[redis]'"
    ]


def test_its_password_is_a_secret(told: Told, loaded: Load) -> None:
    text = 'shared.url = "redis://:CANARY@host/0"\n' + short()
    (found,) = told(text)
    assert found.startswith("1:8  warning  shared.url: its password is written out here")
    assert "CANARY" not in found + expanded(loaded(text)) + repr(loaded(text))
    half = 'shared.url = "redis://:${env:PASSWORD}@host/0"\n' + short()
    assert told(half, PASSWORD="CANARY") == []
    assert "CANARY" not in expanded(loaded(half, PASSWORD="CANARY"))
    assert told('shared.url = "${env:URL}"\n' + short(), URL="redis://:CANARY@host/0") == []


def test_what_is_meant_is_printed_and_means_the_same(loaded: Load) -> None:
    text = (
        'shared.url = "redis://host"\n'
        + org(
            "acme",
            upstream='vendor = "chatbase"\nkey = "${env:KEY}"\nagent = "a"\nvendor_limit = "9/5s"',
        )
        + LIMITS
    )
    first = loaded(text)
    shown = expanded(first)
    assert 'per_user = ["60/minute", "5 streams"]' in shown
    assert 'budget_per_user = ["200 credits/day", "2000000 tokens/month"]' in shown
    second = loaded(shown)
    assert second.settings.model_dump() == first.settings.model_dump()
    assert expanded(second) == shown


def test_a_limit_for_each_visitor_is_none_for_all(told: Told) -> None:
    visited = org("acme", more="anonymous = true")
    each = '[orgs.acme.limits]\nper_user = "6/minute"\nbudget_per_user = "9 credits/day"\n'
    said = [line.split("  ", 1)[1] for line in told(visited + each + SHARED)]
    assert said == [
        "warning  orgs.acme.limits.per_org: is missing: whoever throws a visitor's cookie away is "
        "somebody new",
        "warning  orgs.acme.limits.budget_per_org: is missing: whoever throws a visitor's cookie "
        "away is somebody new",
    ]
    assert told(visited + LIMITS + SHARED) == []


@pytest.mark.parametrize("key", ["budget_per_user", "budget_per_org"])
def test_a_budget_that_a_restart_forgets_is_said(key: str, told: Told) -> None:
    lines = 'per_user = "6/minute"', f'{key} = "5 credits/month"'
    (found,) = told(limited(*lines, more=""))
    assert found.startswith(f"10:1  note  limits.{key}: is counted in this process alone")
    replicas = '[store]\nurl = "postgresql://gateway@db.example/gateway"\n'
    (found,) = told(limited(*lines, more=replicas))
    assert found.startswith(f"10:1  warning  limits.{key}: ")
    assert told(limited(*lines, more=replicas + SHARED)) == []
    assert told(limited('per_user = "6/minute"', more="")) == []
