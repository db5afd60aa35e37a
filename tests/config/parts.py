"""Parts of configurations, so that a test says only what it is about.

told(short(upstream='path = "/livez"'))     # what a test adds to an upstream stands on line 8
"""

ENVIRONMENT = {"KEY": "key-of-the-vendor"}
STRONG = "kZ3vQ9xT1mB7nL5pR2wS8dF4gH6jK0aC"  # 32 characters

UPSTREAM = 'vendor = "chatbase"\nkey = "${env:KEY}"\nagent = "agent_1"'
DOCS = 'vendor = "external-user-id"\nkey = "${env:KEY}"\nbase_url = "https://docs.example"'
SIGN_IN = 'issuer = "https://id.example/"\naudience = "chat"'


def short(*, sign_in: str = "", upstream: str = "", more: str = "") -> str:
    """The short form: additions to the sign-in begin on line 4, to the upstream on line 8."""
    lines = ["[sign_in]", SIGN_IN, sign_in, "[upstreams.support]", UPSTREAM, upstream, more]
    return "\n".join(line for line in lines if line) + "\n"


def org(name: str, *, more: str = "", upstream: str = UPSTREAM, sign_in: str = "") -> str:
    """One org of the long form, with one upstream; its issuer is its own."""
    issuer = f'issuer = "https://{name}.example/"\naudience = "chat"'
    lines = [
        f"[orgs.{name}]",
        more,
        f"[[orgs.{name}.sign_in]]",
        sign_in or issuer,
        f"[orgs.{name}.upstreams.support]",
        upstream,
    ]
    return "\n".join(line for line in lines if line) + "\n"


def mine(operations: str = 'ping = "GET /ping"', *, vendor: str = "", upstream: str = "") -> str:
    """An upstream with a profile of the file's own.

    Additions to the upstream begin on line 8; operations on line 11, if they are all there is.
    """
    lines = ["[sign_in]", SIGN_IN, "[upstreams.mine]", 'vendor = "mine"', 'key = "${env:KEY}"']
    lines += ['base_url = "https://mine.example"', upstream, "[vendors.mine]"]
    lines += ['fields = { authorization = "Bearer {key}" }', vendor]
    lines += ["[vendors.mine.operations]", operations]
    return "\n".join(line for line in lines if line) + "\n"
