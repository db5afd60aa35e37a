from tests.config.conftest import Told
from tests.config.parts import org
from tests.config.rules.sign_ins.test_introspect import config

ASK = (
    'introspection_url = "https://id.example/introspect"\n'
    'client_id = "gateway"\nclient_secret = "${env:KEY}"\n'
)


def test_tokens_for_nobody_in_particular_are_worth_a_warning(told: Told) -> None:
    (said,) = told(config(ASK))
    assert said.startswith("1:2  warning  sign_in.audience: not given, nor client: a token without")
    assert told(config(ASK + 'audience = "chat"')) == []
    assert told(config(ASK + 'client = "spa"')) == []


def test_the_server_is_asked_where_nobody_listens(told: Told) -> None:
    text = config(ASK + 'audience = "chat"')
    (said,) = told(text.replace("https:", "http:"))
    assert said.startswith("2:1  error  sign_in.introspection_url: must be https")


def test_an_empty_secret_is_none(told: Told) -> None:
    (said,) = told(config(ASK.replace("KEY", "NO:-") + 'audience = "chat"'))
    assert said == "4:1  error  sign_in.client_secret: is empty"


def test_two_orgs_of_one_server_are_told_apart(told: Told) -> None:
    def two(*audiences: str) -> str:
        return "".join(
            org(name, more=f'path = "/{name}"', sign_in=ASK + f'audience = "{audience}"')
            for name, audience in zip("ab", audiences, strict=True)
        )

    assert told(two("a", "b")) == []
    assert all("org_claim: is required" in said for said in told(two("chat", "chat")))
