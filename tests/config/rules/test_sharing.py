import pytest

from tests.config.conftest import Told
from tests.config.parts import SIGN_IN, UPSTREAM, org, short

NOBODY = "is for nobody: every org has a sign-in of its own, or is named by another"
EACH = "is required, since there are several shared sign-ins"


def shared(number: int, orgs: str | None) -> str:
    line = "" if orgs is None else f"orgs = {orgs}"
    return (
        f'[[sign_in]]\nissuer = "https://id{number}.example/"\naudience = "chat"\n'
        f"org_claim = 'o'\n{line}\n"
    )


def bare(*names: str) -> str:
    return "".join(
        f"[orgs.{name}]\npath = '/{name}'\n[orgs.{name}.upstreams.s]\n"
        f"{UPSTREAM.replace('KEY}', f'KEY}}-{name}')}\n"
        for name in names
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (shared(1, None) + bare("acme", "globex"), []),
        (shared(1, '["*"]') + bare("acme", "globex"), []),
        (shared(1, '["acme"]') + shared(2, '["globex", "*"]') + bare("acme", "globex"), []),
        (
            shared(1, '["acme"]') + shared(2, None) + bare("acme", "globex"),
            [f"6:3  error  sign_in[1].orgs: {EACH}"],
        ),
        (
            shared(1, '["*"]') + shared(2, '["acme", "*"]') + bare("acme", "globex"),
            ['10:1  error  sign_in[1].orgs: "*" stands at one shared sign-in at most'],
        ),
        (
            shared(1, '["acme", "glbex"]') + bare("acme"),
            ["5:17  error  sign_in[0].orgs[1]: is no org's external_id"],
        ),
        (
            shared(1, '["acme", "glbex"]') + bare("acme", "globex"),
            [
                "5:17  error  sign_in[0].orgs[1]: is no org's external_id - did you mean globex?",
                "12:7  error  orgs.globex.sign_in: is required: nobody could sign in",
            ],
        ),
        (shared(1, None) + org("acme"), [f"1:3  warning  sign_in[0]: {NOBODY}"]),
        (
            shared(1, '["*"]') + shared(2, '["acme"]') + bare("acme"),
            [f"1:3  warning  sign_in[0]: {NOBODY}"],
        ),
    ],
)
def test_says_whom_a_shared_sign_in_is_for(text: str, expected: list[str], told: Told):
    assert told(text) == expected


def test_without_orgs_there_are_none_to_choose_from(told: Told):
    assert "4:1  error  sign_in.orgs: there are no [orgs] to choose from" in told(
        short(sign_in='orgs = ["*"]')
    )


OTHERS = """\
[orgs."*"]
path = "/others"
[orgs."*".upstreams.s]
vendor = "chatbase"
key = "${env:KEY}-others"
agent = "x"
"""


@pytest.mark.parametrize(
    ("orgs", "expected"),
    [
        ('["*"]', []),
        ('["acme", "*"]', []),
        ('["acme", "far"]', []),
        ('["far"]', ["orgs.acme.sign_in: is required: nobody could sign in"]),
        ('["acme"]', ['orgs."*".sign_in: is required: nobody could sign in']),
    ],
)
def test_a_shared_sign_in_may_name_an_org_that_is_not_listed(
    orgs: str, expected: list[str], told: Told
):
    text = shared(1, orgs) + bare("acme") + OTHERS
    assert [line.partition("  error  ")[2] for line in told(text)] == expected


def test_what_a_listed_org_is_called_is_none_of_the_others(told: Told):
    named = bare("acme").replace("[orgs.acme]", '[orgs.acme]\nexternal_id = "org_1"')
    text = shared(1, '["*", "acme", "org_1"]') + named + OTHERS
    assert told(text) == ["5:14  error  sign_in[0].orgs[1]: is no org's external_id"]


def test_of_all_other_orgs_nothing_is_known_but_what_the_claim_says(told: Told):
    text = shared(1, '["*"]') + OTHERS.replace("path =", 'external_id = "x"\npath =')
    text += '[orgs."*".sign_in]\nissuer = "https://x.example/"\naudience = "chat"\n'
    assert told(text) == [
        '7:1  error  orgs."*".external_id: is what the org claim says: leave it out',
        '13:11  error  orgs."*".sign_in: a shared sign-in vouches for these orgs: [[sign_in]], at '
        "the top level",
    ]


def test_a_file_has_one_form(told: Told):
    text = org("acme") + f"[upstreams.support]\n{UPSTREAM}\n[sign_in]\n{SIGN_IN}\n"
    assert told(text) == [
        "9:2  error  upstreams: with [orgs], each upstream is one org's: orgs.NAME.upstreams",
        f"13:2  warning  sign_in: {NOBODY}",
    ]


def test_an_orgs_own_sign_in_is_for_itself(told: Told):
    text = org("acme").replace('audience = "chat"', 'audience = "chat"\norgs = ["acme"]')
    assert told(text) == [
        "5:1  error  orgs.acme.sign_in[0].orgs: unknown key - it belongs at the top level"
    ]
