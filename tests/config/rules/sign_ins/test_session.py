import pytest

from gateway.config.rules.sign_ins import session
from tests.config.conftest import Told
from tests.config.parts import STRONG, UPSTREAM, org

MAKE = "make one with `openssl rand -hex {0}`"
SHORT = "has fewer than {0} bytes (RFC 2104 section 3): " + MAKE


def told_of(told: Told, lines: str, **environment: str) -> list[str]:
    text = f"[sign_in]\n{lines}\n[upstreams.support]\n{UPSTREAM}\n"
    return told(text, **{"SECRET": STRONG, "OLD": STRONG[::-1], **environment})


def flask(more: str = "", written: str = '"${env:SECRET}"') -> str:
    return f'framework = "flask"\nsecret = {written}\n{more}'


@pytest.mark.parametrize(
    "framework", ["starlette", "flask", "django", "express", "fastapi-users", "authjs"]
)
def test_a_framework_and_a_secret_are_enough(framework: str, told: Told) -> None:
    assert told_of(told, f'framework = "{framework}"\nsecret = "${{env:SECRET}}"') == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            'framework = "flask"',
            "1:2  error  sign_in.secret: is required: the app's secret, then older ones that "
            "still verify",
            id="no secret",
        ),
        pytest.param(
            'type = "session"\nsecret = "${env:SECRET}"',
            "1:2  error  sign_in.framework: is required: what has signed it; express is with "
            "cookie-session",
            id="no framework",
        ),
        pytest.param(
            flask('user_keys = "x"'),
            "4:1  error  sign_in.user_keys: unknown key - did you mean user_key?",
            id="misspelt",
        ),
        pytest.param(
            flask('cookie = "a b"'),
            "4:1  error  sign_in.cookie: is no name of a cookie: letters, digits and any of "
            "!#$%&'*+.^`|~_-",
            id="no cookie's name",
        ),
        pytest.param(
            flask('org_from = "field:x-org"'),
            "4:1  error  sign_in.org_from: needs org_key: whoever asks for an org must belong to "
            "it",
            id="an org nobody checks",
        ),
        pytest.param(
            'framework = "express"\nsecret = "${env:SECRET}"\nmax_age = "1d"',
            "4:1  error  sign_in.max_age: cookie-session writes no time into its cookies, so none "
            "is ever too old",
            id="an age nobody can tell",
        ),
        pytest.param(
            'framework = "fastapi-users"\nsecret = "${env:SECRET}"\nactor_key = "by"',
            "4:1  error  sign_in.actor_key: its tokens are a user's own: none says that somebody "
            "else acts",
            id="an actor nobody names",
        ),
        pytest.param(
            'framework = "authjs"\nsecret = "${env:SECRET}"\nmax_age = "1d"',
            "4:1  error  sign_in.max_age: its sessions say when they expire: session.maxAge in the "
            "app",
            id="an age that is said",
        ),
    ],
)
def test_a_mistake_is_told_in_its_place(lines: str, expected: str, told: Told) -> None:
    assert told_of(told, lines) == [expected]


def test_a_framework_that_is_none_is_told_with_the_nearest(told: Told) -> None:
    (said,) = told_of(told, 'framework = "djanggo"\nsecret = "${env:SECRET}"')
    assert said == (
        "2:1  error  sign_in.framework: must be one of starlette, flask, django, express, "
        "fastapi-users, authjs - did you mean django?"
    )


def test_of_a_framework_nobody_knows_says_what_works_with_any(told: Told) -> None:
    (said,) = told_of(told, 'framework = "rails"\nsecret = "${env:SECRET}"')
    assert said.endswith("authjs; of any other, ask the app: `ask`")


@pytest.mark.parametrize(
    ("framework", "secret", "expected"),
    [
        pytest.param("flask", "dev", SHORT.format(20), id="J-25 short"),
        pytest.param("django", STRONG[:31], SHORT.format(32), id="J-25 short for SHA-256"),
        pytest.param("express", "keyboard cat", SHORT.format(20), id="J-25 of a manual"),
        pytest.param(
            "flask", "a" * 40, "repeats a few characters, so it can be guessed", id="J-25 repeated"
        ),
        pytest.param(
            "flask",
            "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
            "is the example of a well-known document, so everybody knows it",
            id="J-25 of Flask's manual",
        ),
        pytest.param(
            "django",
            "django-insecure-" + STRONG,
            "is one that startproject made for development: make another",
            id="J-25 of a template",
        ),
    ],
)
def test_a_secret_that_can_be_guessed_is_refused(
    framework: str, secret: str, expected: str, told: Told
) -> None:
    lines = f'framework = "{framework}"\nsecret = "${{env:SECRET}}"'
    assert told_of(told, lines, SECRET=secret) == [f"3:1  error  sign_in.secret: {expected}"]
    lines = f'framework = "{framework}"\nsecret = ["${{env:OLD}}", "${{env:SECRET}}"]'
    assert told_of(told, lines, SECRET=secret) == [f"3:1  error  sign_in.secret: {expected}"]


def test_a_secret_written_out_is_a_warning(told: Told) -> None:
    (said,) = told_of(told, flask(written=f'"{STRONG}"'))
    assert "3:1  warning  sign_in.secret: is written out here" in said


def test_orgs_with_one_secret_need_to_be_told_apart(told: Told) -> None:
    sign_in = 'framework = "flask"\nsecret = "${env:SECRET}"\n'
    paths = {"a": 'path = "/a"', "b": 'path = "/b"'}
    keyless = [org(name, more=path, sign_in=sign_in) for name, path in paths.items()]
    said = told("".join(keyless), SECRET=STRONG)
    assert len(said) == 2
    assert all(".org_key: is required: without it, the people of one org" in one for one in said)
    keyed = [
        org(name, more=path, sign_in=sign_in + 'org_key = "org"') for name, path in paths.items()
    ]
    assert told("".join(keyed), SECRET=STRONG) == []


def test_what_is_not_installed_is_named(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    assert told_of(told, 'framework = "authjs"\nsecret = "${env:SECRET}"') == [
        "2:1  error  sign_in.framework: needs more installed: "
        "pip install 'chat-identity-gateway[authjs]'"
    ]
