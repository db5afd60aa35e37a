from tests.config.conftest import Told
from tests.config.parts import UPSTREAM, org

ASK = 'ask = "http://127.0.0.1:8000/me"\nuser_key = "user_id"\n'


def config(sign_in: str) -> str:
    return f"[sign_in]\n{sign_in}\n[upstreams.support]\n{UPSTREAM}\n"


def test_the_app_is_shown_something(told: Told) -> None:
    assert told(config(ASK)) == [
        "1:2  error  sign_in.cookies: is required, unless bearer = true: the app knows people by "
        "some credential"
    ]
    assert told(config(ASK + "bearer = true")) == []
    assert told(config(ASK + 'cookies = "s"')) == []


def test_the_app_is_asked_where_nobody_listens(told: Told) -> None:
    (said,) = told(config(ASK.replace("127.0.0.1", "app.example") + "bearer = true"))
    assert said.startswith("2:1  error  sign_in.ask: must be https")


def test_one_app_of_two_orgs_says_whose_people_they_are(told: Told) -> None:
    own = ASK + 'cookies = "s"'
    text = "".join(org(name, more=f'path = "/{name}"', sign_in=own) for name in ("a", "b"))
    said = told(text)
    assert len(said) == 2
    assert all("sign_in[0].org_key: is required" in one for one in said)
    assert told(text.replace('cookies = "s"', 'cookies = "s"\norg_key = "org"')) == []


def test_a_look_up_of_orgs_is_asked_where_nobody_listens(told: Told) -> None:
    own = ASK + "bearer = true\nmembership = "
    (said,) = told(config(own + '"http://app.example/orgs"'))
    assert said.startswith("5:1  error  sign_in.membership: must be https")
    choice = '"http://127.0.0.1:8000/orgs"\norg_from = "field:x-org"'
    assert told(config(own + choice)) == []


def test_a_secret_is_for_a_look_up(told: Told) -> None:
    (said,) = told(config(ASK + 'bearer = true\nmembership_secret = "${env:KEY}"'))
    assert said == "5:1  error  sign_in.membership_secret: needs membership, where it is sent"
