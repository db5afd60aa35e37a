import json
from typing import Any

from gateway.config.schema import schema
from gateway.config.written import keys_of, table_at


def at(path: str) -> dict[str, Any]:
    """The schema of a table, by the names on the way to it; "*" is any name."""
    document = schema()
    found: dict[str, Any] = document
    for name in path.split("."):
        found = found["additionalProperties"] if name == "*" else found["properties"][name]
        while not found.keys().isdisjoint({"$ref", "anyOf", "oneOf", "items"}):
            if "$ref" in found:
                found = document["$defs"][found["$ref"].rpartition("/")[2]]
            else:
                found = found.get("anyOf", found.get("oneOf", [found.get("items")]))[0]
    return found


def test_is_plain_json():
    document = schema()
    assert json.loads(json.dumps(document)) == document
    assert document["$schema"].startswith("https://json-schema.org/")
    assert document["additionalProperties"] is False


def test_has_the_keys_of_the_file_in_both_forms():
    for path, table in {
        "server": ("server",),
        "sign_in": ("sign_in", 0, "jwt"),
        "upstreams.*": ("upstreams", "x"),
        "upstreams.*.timeouts": ("upstreams", "x", "timeouts"),
        "orgs.*": ("orgs", "x"),
        "orgs.*.limits": ("orgs", "x", "limits"),
        "limits": ("limits",),
        "shared": ("shared",),
        "orgs.*.sign_in": ("orgs", "x", "sign_in", 0, "jwt"),
        "orgs.*.upstreams.*": ("orgs", "x", "upstreams", "y"),
    }.items():
        known = table_at(table)
        assert known is not None
        assert set(at(path)["properties"]) == set(keys_of(known)), path


def test_one_item_stands_for_a_list_of_itself():
    upstream = at("upstreams.*")["properties"]
    for key in ("key", "agent", "default_roles"):
        one, many = upstream[key]["anyOf"]
        assert many["items"] == one
    one, many = schema()["properties"]["sign_in"]["anyOf"]
    assert many["items"] == one


def test_every_key_says_what_it_is_for():
    tables = ("server", "identity", "store", "shared", "limits", "sign_in", "upstreams.*", "orgs.*")
    for path in tables:
        for key, found in at(path)["properties"].items():
            assert found.get("description") or key == "type", f"{path}.{key}"
