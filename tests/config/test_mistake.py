import pytest

from gateway.config.mistake import ConfigError, Mistake, Path, did_you_mean, key_of


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ((), ""),
        (("server", "listen"), "server.listen"),
        (("sign_in", 1, "from", 0), "sign_in[1].from[0]"),
        (("orgs", "a b", "*"), 'orgs."a b"."*"'),
        (("x", 'q"uote\n'), 'x."q\\"uote\\n"'),
    ],
)
def test_a_key_is_written_as_toml_would(path: Path, key: str):
    assert key_of(path) == key


def test_a_mistake_is_one_line_that_editors_can_follow():
    mistake = Mistake("gateway.toml", 3, 5, "error", "server.listen", "is wrong")
    assert str(mistake) == "gateway.toml:3:5  error  server.listen: is wrong"


def test_a_mistake_without_a_place_says_where_it_comes_from():
    mistake = Mistake("GATEWAY__SERVER__LISTEN", None, None, "warning", "", "is wrong")
    assert str(mistake) == "GATEWAY__SERVER__LISTEN  warning  is wrong"


def test_an_error_says_all_of_them():
    mistakes = [Mistake("f", line, 1, "error", "k", "is wrong") for line in (1, 2)]
    assert str(ConfigError(mistakes)) == "f:1:1  error  k: is wrong\nf:2:1  error  k: is wrong"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("isuer", " - did you mean issuer?"),
        ("ISSUER", " - did you mean issuer?"),
        ("hs256", " - did you mean HS256?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_hints_at_what_is_close(name: str, hint: str):
    assert did_you_mean(name, ["issuer", "audience", "HS256"]) == hint


def test_knows_what_others_call_it_where_that_is_ours():
    assert did_you_mean("secret_key", ["user_key", "secret"]) == " - did you mean secret?"
    assert did_you_mean("fastapi", ["fastapi-users", "starlette"]) == " - did you mean starlette?"
    assert did_you_mean("secret_key", ["user_key"]) == " - did you mean user_key?"
