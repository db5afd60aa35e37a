"""`type = "host"` as a file writes it."""

import pytest

from gateway.config.sign_ins import KINDS, SHARED_KINDS, kind_of
from gateway.config.sign_ins.host import HostSignInSettings


def test_a_type_says_it() -> None:
    assert kind_of({"type": "host"}) == "host"
    assert KINDS["host"] is HostSignInSettings
    assert issubclass(SHARED_KINDS["host"], HostSignInSettings)


@pytest.mark.parametrize(
    ("written", "says_org"),
    [({}, False), ({"org": True}, True), ({"membership": "http://127.0.0.1:1/orgs"}, True)],
)
def test_says_whose_people_they_are_where_it_is_told_to(
    written: dict[str, object], says_org: bool
) -> None:
    settings = HostSignInSettings.model_validate({"type": "host", **written})
    assert settings.says_org == says_org
    assert settings.says_roles
    assert settings.vouched_by == ("identify",)
