import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.place import body, place, written
from gateway.core.profile.place import Body, Header, Place, Query, Variable

VISIBLE = st.text(min_size=1).filter(str.isprintable)
PLACES = st.one_of(
    st.builds(lambda text: Body("/" + text.replace("~", "~0")), st.text()),
    st.builds(Query, VISIBLE),
    st.builds(Variable, st.from_regex(r"[a-z][a-z_]*", fullmatch=True)),
    st.builds(Header, st.from_regex(r"[a-z0-9-]+", fullmatch=True)),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("body:/userId", Body("/userId")),
        ("body:/data/*/id", Body("/data/*/id")),
        ("query:user", Query("user")),
        ("query:a:b", Query("a:b")),
        ("path:user", Variable("user")),
        ("field:X-User", Header("x-user")),
    ],
)
def test_reads_the_four_kinds(text: str, found: Place):
    assert place(text) == found


@given(PLACES)
def test_reads_what_it_writes(found: Place):
    assert place(written(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", "userId", "body", "body:", "query:", ":x", "Body:/x", "header:x", " body:/x", "/x"),
        *("body:userId", "body:/~2", "path:User", "path:{user}", "path:a-b", "query:a\n"),
    ],
)
def test_says_no_to_what_is_no_place(text: str):
    with pytest.raises(ValueError, match=r"must|character"):
        place(text)


@pytest.mark.parametrize("text", ["query:x", "path:x", "field:x", "x"])
def test_an_answer_is_read_in_its_body_alone(text: str):
    with pytest.raises(ValueError, match="must be"):
        body(text)
    assert body("body:/x") == Body("/x")
