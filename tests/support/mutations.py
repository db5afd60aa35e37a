"""Cookie fields that differ a little from good ones, many and always the same ones.

    fields = mutants([(b"session", alice)], [(b"session", bob)], count=1000)

A field is pairs of name and value; what is made is raw. No mutant has the control characters that
HTTP itself refuses: what parsers of HTTP do is tried elsewhere.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations

Pair = tuple[bytes, bytes]

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_UNSAFE = frozenset(b"\x7f\r\n\0;")


def written(pairs: Sequence[Pair]) -> bytes:
    return b"; ".join(b"%b=%b" % pair for pair in pairs)


def mutants(good: Sequence[Pair], other: Sequence[Pair], *, count: int) -> list[bytes]:
    """At least `count` fields, none of them that of `good` or `other`; all of `_fields` in them."""
    chance = random.Random(0)  # noqa: S311 - the same ones each time
    found = dict.fromkeys(_fields(good, other))
    for index, (name, value) in enumerate(good):
        wanted = other[index][1] if index < len(other) else b""
        for one in _values(value, wanted):
            found[written([*good[:index], (name, one), *good[index + 1 :]])] = None
    while len(found) < count + 2:
        index = chance.randrange(len(good))
        name, value = good[index]
        one = _at_random(value, chance)
        found[written([*good[:index], (name, one), *good[index + 1 :]])] = None
    for plain in (written(good), written(other)):
        found.pop(plain, None)
    return [
        one for one in found if not any((code < 32 and code != 9) or code == 127 for code in one)
    ]


def _at_random(value: bytes, chance: random.Random) -> bytes:
    """One or two small changes of a value."""
    changed = bytearray(value)
    for _ in range(chance.choice((1, 1, 1, 2))):
        if not changed:
            break
        at = chance.randrange(len(changed))
        change = chance.randrange(6)
        if change == 0:
            changed[at] ^= 1 << chance.randrange(7)
        elif change == 1:
            changed[at] = chance.choice(ALPHABET)
        elif change == 2:
            del changed[at : at + chance.randrange(1, 4)]
        elif change == 3:
            changed.insert(at, chance.choice(ALPHABET + b"=.:+/%"))
        elif change == 4:
            del changed[at:]
        else:
            changed[at : at + 1] = changed[at : at + 2][::-1]
    return bytes(code for code in changed if code not in _UNSAFE and code >= 32)


def _values(value: bytes, other: bytes) -> Iterator[bytes]:
    """What one value may become, thoroughly."""
    yield b""
    yield other
    yield from (value[:at] for at in range(0, len(value), max(1, len(value) // 40)))
    yield from (
        value + more for more in (b"=", b"==", b".", b":", b"A", b".A", b"%00", b",", b"%20")
    )
    yield from (more + value for more in (b".", b"=", b"s:", b"j:", b"A", b"%2E", b","))
    yield from (b'"%b"' % value, b"'%b'" % value, b'"%b' % value, b"\\%b" % value)
    yield from (b"%b %b" % (value, other), b"%b,%b" % (value, other), value + value)
    for blank in (b" ", b"\t", b"\xa0", b"\x85", b"\xc2\xa0", b"\xe3\x80\x80"):
        yield from (blank + value, value + blank, value[:5] + blank + value[5:])
    yield from _encoded(value)
    for separator in (b".", b":"):
        yield from _parts(value.split(separator), other.split(separator), separator)


def _encoded(value: bytes) -> Iterator[bytes]:
    """Other spellings of the same, to a lenient reader."""
    yield b"".join(b"%%%02X" % code for code in value)
    yield from (value.replace(old, b"%%%02X" % ord(old)) for old in (b".", b":", b"=", b"-", b"_"))
    yield from (value.swapcase(), value.upper(), value.lower(), value[::-1])
    yield value.replace(b"-", b"+").replace(b"_", b"/")
    yield value.replace(b"+", b"-").replace(b"/", b"_")
    yield value.replace(b"=", b"")


def _parts(parts: list[bytes], others: list[bytes], separator: bytes) -> Iterator[bytes]:
    """Parts of a value in another order, of another value, or in another spelling."""
    if len(parts) < 2:
        return
    if len(parts) <= 4:
        yield from (separator.join(order) for order in permutations(parts))
    for at, part in enumerate(parts):
        changes: list[bytes] = [b"", part + b"=", part + b"==", part.rstrip(b"="), part * 2]
        changes += [others[at]] if at < len(others) else []
        changes += list(_leftover_bits(part))
        for changed in changes:
            yield separator.join([*parts[:at], changed, *parts[at + 1 :]])
        yield separator.join([*parts[:at], *parts[at + 1 :]])
        yield separator.join([*parts[:at], part, *parts[at:]])


def _leftover_bits(part: bytes) -> Iterator[bytes]:
    """Base64 that differs in its last character alone, and so perhaps in no byte."""
    body, padding = part.rstrip(b"="), part[len(part.rstrip(b"=")) :]
    at = ALPHABET.find(body[-1:]) if body else -1
    if at >= 0:
        for step in (1, 2, 3, 4, 8, 15, -1):
            yield body[:-1] + ALPHABET[(at + step) % 64 :][:1] + padding


def _fields(good: Sequence[Pair], other: Sequence[Pair]) -> Iterator[bytes]:
    """Fields in which names, or several cookies, are not as they should be."""
    one, two = written(good), written(other)
    yield from (b"%b; %b" % (one, two), b"%b; %b" % (two, one), b"%b; %b" % (one, one))
    yield from (b"%b;%b" % (one, two), b"%b, %b" % (one, two), b"%b,%b" % (two, one))
    yield from (b"$Version=1; " + one, b"$Version=1;" + one, one + b"; $Path=/", b"; " + one)
    yield from (b"a=1; " + one, one + b"; a=1", one + b";", one + b"; ", b";;" + one + b";;")
    for index, (name, value) in enumerate(good):
        rest = [*good[:index], *good[index + 1 :]]
        spelt: Callable[[bytes], bytes] = lambda raw, rest=rest: b"; ".join(  # noqa: E731
            [raw, *([written(rest)] if rest else [])]
        )
        twin = other[index][1] if index < len(other) else b""
        for blank in (b" ", b"\t", b"\xa0", b"\x85", b"\x0b", b"\xc2\xa0"):
            yield spelt(b"%b%b=%b" % (name, blank, value))
            yield spelt(b"a=1;%b%b=%b" % (blank, name, value))
            yield spelt(b"%b%b=%b; %b=%b" % (blank, name, twin, name, value))
        for cased in (name.upper(), name.title(), name.swapcase()):
            yield spelt(b"%b=%b" % (cased, value))
            yield spelt(b"%b=%b; %b=%b" % (cased, twin, name, value))
        yield spelt(b'%b="%b; x="' % (name, value))
        yield spelt(b'a="; %b=%b; b="' % (name, value))
        yield from (spelt(b"%b" % name), spelt(b"%b=" % name), written(rest))
        yield from (spelt(b"%b=; %b=%b" % (name, name, value)), spelt(b"=%b" % value))
        for suffix in (b".0", b".1", b".00", b".sig", b".x", b"[]", b"%00", b"0"):
            yield spelt(b"%b%b=%b" % (name, suffix, value))
            yield spelt(b"%b=%b; %b%b=%b" % (name, value, name, suffix, twin))
