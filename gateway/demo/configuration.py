"""The gateway's configuration in the demo: a real file, its secrets in files beside it."""

import secrets
from pathlib import Path

from gateway.demo.people import COMPANIES, Company
from gateway.demo.sign_in import AUDIENCE, SignIn

_HEAD = """\
[store]
url = "sqlite:///{folder}/gateway.db"

[identity]
secret = "${{file:{folder}/identity.secret}}"

[admin]
listen = "{operators}"
token = "${{file:{folder}/admin.token}}"
"""

_ORG = """
# {name}
[orgs.{key}]
path = "/{key}"

[[orgs.{key}.sign_in]]
issuer = "{issuer}"
audience = ["{audience}"]
public_key = "${{file:{folder}/{key}.pem}}"
from = ["authorization", "cookie:{cookie}"]

[orgs.{key}.upstreams.support]
vendor = "chatbase"
base_url = "{vendor}"
key = "${{file:{folder}/{key}.key}}"
agent = "{agent}"
path = "/"
"""


def new_vendor_key() -> str:
    return f"sk_demo_{secrets.token_hex(16)}"


def new_admin_token() -> str:
    return f"demo-{secrets.token_hex(8)}"


def write(
    folder: Path,
    *,
    vendor: str,
    keys: dict[Company, str],
    sign_ins: dict[Company, SignIn],
    cookie: str,
    operators: str,
    token: str,
) -> Path:
    """Write the configuration into `folder`, which is the caller's alone; its path.

    `vendor` is the vendor's origin, `keys` each company's key there; `operators` is the address and
    port of the console, `token` what opens it.
    """
    _write(folder / "identity.secret", secrets.token_urlsafe(32))
    _write(folder / "admin.token", token)
    text = _HEAD.format(folder=folder, operators=operators)
    for company in COMPANIES:
        _write(folder / f"{company.key}.key", keys[company])
        _write(folder / f"{company.key}.pem", sign_ins[company].public_key)
        text += _ORG.format(
            folder=folder,
            key=company.key,
            name=company.name,
            issuer=company.issuer,
            agent=company.agent,
            audience=AUDIENCE,
            cookie=cookie,
            vendor=vendor,
        )
    return _write(folder / "gateway.toml", text)


def _write(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path
