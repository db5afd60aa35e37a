"""What a session may say, as JSON: of a user as of anything else."""

import time

USERS = (
    *(b'7', b'"7"', b'"alice"', b'1', b'9007199254740991', b'"\\u00e9"', '"é"'.encode()),
    *(b'true', b'false', b'null', b'0', b'-0', b'-1', b'1.5', b'7.0', b'1e0', b'""', b'" "'),
    *(b'[]', b'["7"]', b'[7]', b'{}', b'{"id":7}', b'9007199254740993', b'1e400', b'NaN', b'"0"'),
    *(b'Infinity', b'"\\ud800"', b'"\\u0000"', b'"7\\n"', b'07', b'0x7', b'"' + b"x" * 600 + b'"'),
)  # fmt: skip


def payloads(key: bytes, more: bytes = b"") -> list[bytes]:
    """Sessions with each of these users at `key`, and sessions that are none; `more` in each."""
    found = [b'{"%b":%b%b}' % (key, user, more) for user in USERS]
    plain = b'{"%b":"7"%b}' % (key, more)
    found += [
        b'{"%b":"7","%b":"8"%b}' % (key, key, more),
        b'{"%b":"7","%b":"8"%b}' % (key, key.upper(), more),
        b'{"%b\\u0000":"7"%b}' % (key, more),
        b'{"other":"7"%b}' % more,
        b"\xef\xbb\xbf" + plain,
        plain.decode().encode("utf-16"),
        plain.decode().encode("utf-32"),
        plain + b"x",
        plain + plain,
        b" \n" + plain + b"\t ",
        b"\x0b" + plain,
        plain[:-1],
        plain[:-1] + b",}",
        b"[" + plain + b"]",
        b"[" * 5_000,
        b'{"%b":"7","n":%b%b}' % (key, b"[" * 100 + b"]" * 100, more),
        b'{"%b":"7","n":"\xff"%b}' % (key, more),
        b"",
        b"null",
        b'"7"',
        b"7",
        b"{}",
        b"not JSON",
    ]
    return found


def expiring(seconds: float = 3600) -> bytes:
    return b',"exp":%d' % (time.time() + seconds)
