from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.address import address, is_postgres, without_secret
from gateway.store.errors import StoreError

USER = {"user": "gw", "password": "CANARY", "host": "db", "dbname": "x"}


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://gw:CANARY@db/x", USER),
        ("postgres://gw:CANARY@db/x", USER),
        ("postgresql://gw:CANARY@db:5433/x", {**USER, "port": "5433"}),
        ("postgresql:///x", {"dbname": "x"}),
        ("postgresql://gw@db/x", {"user": "gw", "host": "db", "dbname": "x"}),
        ("postgresql://[::1]:5433/x", {"host": "::1", "port": "5433", "dbname": "x"}),
        ("postgresql://[::1]/x", {"host": "::1", "dbname": "x"}),
        ("postgresql://a:1,b:2/x", {"host": "a,b", "port": "1,2", "dbname": "x"}),
        ("postgresql://%2Frun%2Fpg/x", {"host": "/run/pg", "dbname": "x"}),
        ("postgresql:///x?host=/run/pg", {"host": "/run/pg", "dbname": "x"}),
        ("postgresql://db/x?sslmode=require", {"host": "db", "dbname": "x", "sslmode": "require"}),
        ("postgresql://gw:CA%2FNARY@db/x", {**USER, "password": "CA/NARY"}),
        ("postgresql://gw:CAN@ARY@db/x", {**USER, "password": "CAN@ARY"}),
    ],
)
def test_a_url_is_what_libpq_takes_it_for(url: str, parameters: dict[str, str]) -> None:
    found = address(url)
    assert found.parameters == parameters
    assert "CAN" not in repr(found) + found.shown


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql+asyncpg://gw:CANARY@db/x", "must begin with postgresql://"),
        ("mysql://gw:CANARY@db/x", "must begin with postgresql://"),
        ("postgresql://gw:CANARY@db", "names no database"),
        ("postgresql://gw:CANARY@db/", "names no database"),
        ("postgresql://gw:CAN/ARY@db/x", "percent-encode"),
        ("postgresql://gw:CAN?ARY@db/x", "percent-encode"),
        ("postgresql://gw:CAN#ARY@db/x", "percent-encode"),
        ("postgresql://gw:CAN[ARY@db/x", "percent-encode"),
        ("postgresql://gw:%ff@db/x", "percent-encode"),
        ("postgresql://gw:CANARY@d b/x", "percent-encode"),
        ("postgresql://gw:CANARY@db/x?CANARY", "percent-encode"),
        ("postgresql://gw:CANARY@db/x?a%62-=CANARY", "percent-encode"),
    ],
)
def test_refuses_what_is_none_and_quotes_nothing_of_it(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as refusal:
        address(url)
    assert not [word for word in ("CAN", "ARY", "gw", "db/") if word in str(refusal.value)]


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("postgresql://db/x", True),
        ("postgres:///x", True),
        ("postgresql+psycopg://db/x", True),
        ("sqlite:///postgresql", False),
        ("", False),
    ],
)
def test_what_means_postgresql_is_told_by_the_scheme(url: str, means: bool) -> None:
    assert is_postgres(url) is means


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://gw:CANARY@db/x", "postgresql://gw:***@db/x"),
        ("postgresql://gw:CAN@ARY@db/x", "postgresql://gw:***@db/x"),
        ("postgresql://:CANARY@db/x", "postgresql://:***@db/x"),
        ("postgresql://gw:CANARY@${env:HOST}/x", "postgresql://gw:***@${env:HOST}/x"),
        ("postgresql://gw:${env:A}CANARY@db/x", "postgresql://gw:***@db/x"),
        ("postgresql://gw:${env:PW}@db/x", "postgresql://gw:${env:PW}@db/x"),
        ("postgresql://gw:${env:PW:-CANARY}@db/x", "postgresql://gw:***@db/x"),
        ("postgresql://gw@db:5432/x", "postgresql://gw@db:5432/x"),
        ("postgresql://db:5432/x", "postgresql://db:5432/x"),
        ("postgresql://db/x?user=a&password=CANARY", "postgresql://db/x?user=a&password=***"),
        ("postgresql://db/x?sslpassword=CANARY&a=b", "postgresql://db/x?sslpassword=***&a=b"),
        ("postgresql://db/x?password=${env:PW}", "postgresql://db/x?password=${env:PW}"),
        ("${env:URL}", "${env:URL}"),
        ("sqlite:////var/lib/a:b@c.db", "sqlite:////var/lib/a:b@c.db"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert without_secret(url) == shown


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_password_comes_through_encoded(password: str) -> None:
    found = address(f"postgresql://gw:{quote(password, safe='')}@db/x")
    assert found.parameters["password"] == password
