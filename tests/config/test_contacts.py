import pytest

from tests.config.conftest import Load, Told
from tests.config.parts import short

CONTACTS = "[upstreams.support.contacts]"


def test_contacts_say_what_a_vendor_is_to_know(loaded: Load) -> None:
    table = 'attributes = { email = "email", plan = "/app/plan" }\ntypes = { seats = "number" }'
    text = short(more=f'{CONTACTS}\n{table}\ntoken = "{"t" * 32}"')
    contacts = loaded(text).settings.orgs["default"].upstreams["support"].contacts
    assert contacts is not None
    assert contacts.attributes == {"email": "email", "plan": "/app/plan"}
    assert contacts.types == {"seats": "number"}
    assert [token.get_secret_value() for token in contacts.token] == ["t" * 32]
    assert "tttt" not in repr(contacts)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('attributes = { "1st" = "a" }', "contacts.attributes.1st: a name has letters"),
        ('attributes = { "e mail" = "a" }', 'contacts.attributes."e mail": a name has letters'),
        ('attributes = { email = "" }', "contacts.attributes.email: is empty"),
        ('attributes = { email = "/a/*" }', "contacts.attributes.email: must lead to one value"),
        ('types = { plan = "string" }', "contacts.types.plan: must be 'text', 'number'"),
        ('token = ""', "contacts.token: is empty"),
        (
            'attribute = { email = "a" }',
            "contacts.attribute: unknown key - did you mean attributes?",
        ),
    ],
)
def test_says_what_is_wrong_with_contacts(table: str, says: str, told: Told) -> None:
    errors = [one for one in told(short(more=f"{CONTACTS}\n{table}")) if "error" in one]
    assert any(f"error  upstreams.support.{says}" in one for one in errors), errors
