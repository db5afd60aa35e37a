import stat
import tomllib

import pytest

from gateway.config.load import load
from gateway.demo import configuration
from gateway.demo.people import COMPANIES, NORTH, SOUTH
from gateway.demo.sign_in import SignIns


@pytest.fixture
def written(tmp_path):
    keys = {company: configuration.new_vendor_key() for company in COMPANIES}
    path = configuration.write(
        tmp_path,
        vendor="http://127.0.0.1:1",
        keys=keys,
        sign_ins=SignIns(COMPANIES).by_company,
        cookie="session",
        operators="127.0.0.1:2",
        token=configuration.new_admin_token(),
    )
    return path, keys


def test_the_gateway_takes_it_without_a_complaint(written):
    path, _ = written
    loaded = load(path)
    assert set(loaded.settings.orgs) == {NORTH.key, SOUTH.key}


def test_it_holds_no_secret_itself(written):
    path, keys = written
    text = path.read_text()
    assert not any(key in text for key in keys.values())
    assert "PRIVATE" not in text
    assert tomllib.loads(text)["orgs"]["north"]["path"] == "/north"


def test_nobody_else_on_the_machine_can_read_the_files(written):
    path, _ = written
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}


def test_keys_differ_each_time():
    assert configuration.new_vendor_key() != configuration.new_vendor_key()
