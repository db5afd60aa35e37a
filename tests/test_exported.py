import subprocess
import sys

import pytest

import gateway


def test_the_public_names_are_these() -> None:
    assert gateway.__all__ == [
        "Assertion",
        "AssertionInvalid",
        "ConfigError",
        "CurrentIdentity",
        "Gateway",
        "GatewayMiddleware",
        "Identity",
        "verify_assertion",
    ]
    assert sorted(gateway._HOMES) == gateway.__all__


@pytest.mark.parametrize("name", sorted({*gateway.__all__} - {"CurrentIdentity"}))
def test_a_public_name_is_what_it_says(name: str) -> None:
    assert getattr(gateway, name).__name__ == name


def test_another_name_is_none_of_ours() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Other'"):
        _ = gateway.Other  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "{'starlette', 'httpx', 'pydantic', 'sqlalchemy'}"
    code = f"import gateway, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
