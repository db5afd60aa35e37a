import pytest

from tests.config.conftest import Told
from tests.config.parts import DOCS, STRONG, UPSTREAM, org, short

EMAIL = 'attributes = { email = "/email" }'
TABLE = "[upstreams.support.contacts]"


def errors(told: Told, text: str) -> list[str]:
    return [one.partition("  error  ")[2] for one in told(text) if "  error  " in one]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(short(more=f"{TABLE}\n{EMAIL}"), None, id="at Chatbase"),
        pytest.param(short(more=f'{TABLE}\ntoken = "{STRONG}"'), None, id="a token alone"),
        pytest.param(
            short(more=f"{TABLE}\n{EMAIL}").replace(UPSTREAM, DOCS),
            "contacts: where external-user-id keeps contacts is not known",
            id="a vendor without",
        ),
        pytest.param(
            short(more=TABLE),
            "contacts: says nothing: attributes, or a token for a service that pushes them",
            id="nothing",
        ),
        pytest.param(
            short(more=f"{TABLE}\n{EMAIL}").replace('"agent_1"', '"*"'),
            "contacts: this vendor keeps contacts by agent: say which in `agent`",
            id="any agent",
        ),
        pytest.param(
            short(more=f'{TABLE}\nattributes = {{ external_id = "sub" }}'),
            "contacts.attributes.external_id: is the vendor's own name for something else",
            id="the user id",
        ),
        pytest.param(
            short(more=f'{TABLE}\ntoken = "short"'),
            "contacts.token: has fewer than 16 bytes: make one with `openssl rand -hex 32`",
            id="a weak token",
        ),
        pytest.param(
            short(more=f'{TABLE}\n{EMAIL}\ntypes = {{ vip = "boolean" }}').replace(
                UPSTREAM, 'vendor = "altatech"\nkey = "${env:KEY}"'
            ),
            "contacts.types: this vendor is not told of attributes",
            id="kinds where there are none",
        ),
    ],
)
def test_contacts_are_kept_where_they_can_be(text: str, expected: str | None, told: Told) -> None:
    found = errors(told, text)
    assert found == ([] if expected is None else [f"upstreams.support.{expected}"])


def test_contacts_are_of_an_org_that_is_named(told: Told) -> None:
    shared = '[[sign_in]]\nissuer = "https://id.example/"\naudience = "chat"\norg_claim = "o"\n'
    place = 'orgs."*".upstreams.support'
    every = f"[{place}]\n{UPSTREAM}\n[{place}.contacts]\n{EMAIL}\n"
    says = "contacts are of one org, and here none is named: list the org"
    assert errors(told, shared + every) == [f'orgs."*".upstreams.support.contacts: {says}']


def test_a_sign_in_that_says_a_name_alone_has_nothing_to_tell(told: Told) -> None:
    forwarded = f'forwarded = "X-Forwarded-User"\nshared_secret = "{STRONG}"'
    table = f"[orgs.acme.upstreams.support.contacts]\n{EMAIL}\n"
    says = "no sign-in of this org says more than who somebody is"
    assert errors(told, org("acme", sign_in=forwarded) + table) == [
        f"orgs.acme.upstreams.support.contacts.attributes: {says}"
    ]


def test_a_profile_of_ones_own_may_know_few_attributes(told: Told) -> None:
    text = (
        short(upstream='base_url = "https://x.example"', more=f"{TABLE}\n{EMAIL}")
        .replace('vendor = "chatbase"', 'vendor = "mine"')
        .replace('agent = "agent_1"', "")
    )
    text += (
        '[vendors.mine.operations]\nping = "GET /ping"\n'
        '[vendors.mine.contacts]\npath = "/c"\nuser = "id"\nown = ["name"]\n'
    )
    assert errors(told, text) == [
        "upstreams.support.contacts.attributes.email: this vendor takes name alone"
    ]
