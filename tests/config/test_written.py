import pytest

from gateway.config.mistake import Path
from gateway.config.model import OrgTable, Server, Timeouts, UpstreamTable
from gateway.config.profile import LookupTable, OperationTable, ProblemTable, VendorTable
from gateway.config.sign_ins.jwt import JwtSignInSettings, SharedJwtSignInSettings
from gateway.config.sign_ins.table import SharedTable
from gateway.config.table import Table
from gateway.config.written import File, keys_of, table_at


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ((), File),
        (("server",), Server),
        (("sign_in",), SharedTable),
        (("sign_in", 3), SharedTable),
        (("sign_in", 3, "jwt"), SharedJwtSignInSettings),
        (("orgs", "acme", "sign_in", 0, "jwt"), JwtSignInSettings),
        (("orgs", "acme", "sign_in", 0, "jwt", "issuer"), None),
        (("upstreams", "any name"), UpstreamTable),
        (("orgs", "acme"), OrgTable),
        (("orgs", "acme", "upstreams", "a", "timeouts"), Timeouts),
        (("server", "listen"), None),
        (("orgs", "acme", "upstreams", "a", "set"), None),
        (("vendors", "mine"), VendorTable),
        (("vendors", "mine", "problem"), ProblemTable),
        (("vendors", "mine", "lookup"), LookupTable),
        (("vendors", "mine", "operations", "chat"), OperationTable),
        (("vendors", "mine", "operations", "chat", "values"), None),
        (("nothing",), None),
    ],
)
def test_knows_which_table_stands_where(path: Path, table: type[Table] | None):
    assert table_at(path) is table


def test_keys_are_spelt_as_in_the_file():
    assert {"from", "orgs"} <= set(keys_of(SharedJwtSignInSettings))
    assert "places" not in keys_of(SharedJwtSignInSettings)
    assert "agent" in keys_of(UpstreamTable)
    assert "name" not in keys_of(UpstreamTable)


def test_an_org_cannot_name_whom_its_own_sign_in_is_for():
    assert "orgs" not in keys_of(table_at(("orgs", "acme", "sign_in", 0, "jwt")) or File)
