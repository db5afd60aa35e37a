"""The frameworks: their app, the sign-in that is for it, and what is tried on both.

`sign_in_as` signs a person in at the running app, as its own page would, and gives the cookies that
a browser then has of it. `minted` are truly signed sessions that no app would write.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.sessions import minting
from tests.sessions.said import expiring, payloads
from tests.support.host_apps import OLD_SECRET, OTHER_SECRET, SECRET
from tests.support.mutations import Pair, written

DAY = 86400.0
V5 = "authjs.session-token"
V4 = "next-auth.session-token"
BOMB = b'{"user_id":"7","_auth_user_id":"1","x":"' + b" " * 8_000_000 + b'"}'


@dataclass(frozen=True, kw_only=True)
class Framework:
    """One framework. People are called "1" and "2" there."""

    name: str
    app: str
    is_node: bool = False
    cookie: str
    sign_in: dict[str, Any]
    sign_in_as: Callable[..., list[Pair]]
    minted: Callable[[], Sequence[Sequence[Pair]]]
    nobodys: Callable[[], Sequence[Sequence[Pair]]]
    stale: Callable[[], Sequence[Sequence[Pair]]] = lambda: ()


def _pairs(response: httpx.Response) -> list[Pair]:
    lines = [line.partition(";")[0].strip() for line in response.headers.get_list("set-cookie")]
    split = (line.encode().partition(b"=") for line in lines)
    return [(name, value) for name, _, value in split]


def _by_json(member: str) -> Callable[[str, str], list[Pair]]:
    def sign_in_as(url: str, who: str) -> list[Pair]:
        given = {member: {"1": "alice", "2": "bob"}[who] if member == "username" else who}
        return _pairs(httpx.post(f"{url}/sign-in", json=given))

    return sign_in_as


def _by_password(url: str, who: str) -> list[Pair]:
    name = {"1": "alice", "2": "bob"}[who]
    form = {"username": f"{name}@example.com", "password": "a password"}
    return _pairs(httpx.post(f"{url}/cookie/login", data=form))


def _by_authjs(session: str) -> Callable[..., list[Pair]]:
    def sign_in_as(url: str, who: str, size: int = 0) -> list[Pair]:
        asked = httpx.get(f"{url}/auth/csrf")
        form = {"csrfToken": asked.json()["csrfToken"], "id": who, "bytes": str(size)}
        cookie = written(_pairs(asked)).decode()
        done = httpx.post(f"{url}/auth/callback/credentials", data=form, headers={"cookie": cookie})
        return [pair for pair in _pairs(done) if pair[0].startswith(session.encode())]

    return sign_in_as


def _times(max_age: float) -> list[float]:
    now = time.time()
    return [now - max_age - 60, now - max_age + 60, now + 3600, 0, 2**31, 2**32 - 1]


def _starlette() -> list[list[Pair]]:
    plain = b'{"user_id":"7"}'
    found = [minting.starlette(one) for one in payloads(b"user_id")]
    found += [minting.starlette(plain, at=at) for at in _times(14 * DAY)]
    found += [minting.starlette(plain, secret=OLD_SECRET), minting.starlette(minting.PICKLE)]
    found += [minting.flask(plain), [(b"session", minting.django(plain)[0][1])]]
    return found


def _flask() -> list[list[Pair]]:
    plain = b'{"user_id":"7"}'
    said = payloads(b"user_id")
    tags = (b"t", b"u", b"m", b"b", b"d", b"di", b"x")
    said += [b'{"user_id":{" %b":%b}}' % (tag, one) for tag in tags for one in TAGGED]
    said += [b'{" t":["user_id"]}', b'{" di":{"user_id__":"7"}}', b'{" m":"user_id"}']
    found = [minting.flask(one) for one in said]
    found += [minting.flask(one, packed=True) for one in said]
    found += [minting.flask(plain, at=at) for at in _times(31 * DAY)]
    found += [minting.flask(plain, secret=OLD_SECRET), minting.flask(minting.PICKLE)]
    found += [minting.flask(plain, salt=salt) for salt in ("itsdangerous.Signer", "", "other")]
    found += [minting.flask(BOMB, packed=True), minting.starlette(plain)]
    return found


TAGGED = (
    b'"550e8400e29b41d4a716446655440000"',
    b'"550e8400-e29b-41d4-a716-446655440000"',
    b'"{550E8400E29B41D4A716446655440000}"',
    b'"7"',
    b'["7"]',
    b'{"a":"7"}',
    b'{" u__":"7"}',
    b"7",
    b"null",
    b'{" m":"7"}',
)


def _django() -> list[list[Pair]]:
    plain = b'{"_auth_user_id":"1"}'
    # Without the hash of a password that Django looks for too, no session here is anybody's there.
    found = [minting.django(one, packed=packed) for one in NOT_DJANGO for packed in (True, False)]
    found += [minting.django(plain, at=at) for at in (1.5e9, time.time() - 15 * DAY)]
    found += [minting.django(plain, salt=salt) for salt in ("django.core.signing", "")]
    found += [minting.django(BOMB, packed=True), minting.django(minting.PICKLE)]
    found += [minting.django(plain, secret="x" * 40)]
    return found


NOT_DJANGO = tuple(one for one in payloads(b"_auth_user_id") if b':"7"' not in one)[30:]


def _express() -> list[list[Pair]]:
    plain = b'{"user_id":"7"}'
    found = [minting.express(one) for one in payloads(b"user_id")]
    found += [minting.express(plain, secret=OLD_SECRET), minting.express(plain, secret="x" * 40)]
    found += [minting.express(plain, name=b"session.sig"), minting.express(plain)[:1]]
    found += [minting.express(plain)[1:], minting.express(plain)[::-1], minting.flask(plain)]
    return found


def _fastapi_users() -> list[list[Pair]]:
    ours = b',"aud":["fastapi-users:auth"]'
    found = [minting.fastapi_users(one) for one in payloads(b"sub", ours + expiring())]
    audiences = (
        *(b',"aud":"%b"' % one for one in (b"fastapi-users:reset", b"fastapi-users:verify", b"x")),
        *(b"", b',"aud":[]', b',"aud":null', b',"aud":{"fastapi-users:auth":1}'),
        *(b',"aud":"fastapi-users:auth"', b',"aud":["x","fastapi-users:auth"]'),
    )
    expiries = (b"", expiring(-5), b',"exp":"9999999999"', b',"exp":null', b',"exp":1e400')
    said = [(one, expiring()) for one in audiences] + [(ours, one) for one in expiries]
    found += [minting.fastapi_users(b'{"sub":"1"%b%b}' % one) for one in said]
    plain = b'{"sub":"1"%b%b}' % (ours, expiring())
    headers: list[dict[str, Any]] = [{"typ": "at+jwt"}, {"crit": ["x"]}, {"jku": "x"}, {"kid": "1"}]
    found += [minting.fastapi_users(plain, header=one) for one in headers]
    found += [minting.fastapi_users(plain, secret=OLD_SECRET)]
    return found


def _encrypted(enc: str, cookie: str, secret: str = SECRET) -> Callable[[], list[list[Pair]]]:
    def found() -> list[list[Pair]]:
        plain = b'{"sub":"1"%b}' % expiring()
        known = {"enc": enc, "cookie": cookie, "secret": secret}
        made = [minting.encrypted(one, **known) for one in payloads(b"sub", expiring())]
        expiries = (b"", expiring(-60), b',"exp":"9999999999"', b',"exp":null', b',"exp":true')
        made += [minting.encrypted(b'{"sub":"1"%b}' % exp, **known) for exp in expiries]
        made.append(minting.encrypted(plain[:-1] + b',"nbf":%d}' % (time.time() + 600), **known))
        made.append(minting.encrypted(BOMB, zip="DEF", **known))
        made += [minting.encrypted(plain, **known, **{name: "x"}) for name in ("typ", "cty", "kid")]
        made.append(minting.encrypted(plain, enc=enc, cookie=cookie, secret="x" * 40))
        for other in (V4, V5, "__Secure-" + cookie, "authjs.state", ""):
            for way in ("A256GCM", "A256CBC-HS512"):
                ((_, value),) = minting.encrypted(plain, enc=way, cookie=other, secret=secret)
                if (way, other) != (enc, cookie) and (way, enc) != ("A256GCM", "A256GCM"):
                    made.append([(cookie.encode(), value)])
        return made

    return found


def session(name: str, **more: Any) -> dict[str, Any]:
    return {"framework": name, "secret": SECRET} | more


BOTH = [SECRET, OLD_SECRET]
FRAMEWORKS = (
    Framework(
        name="starlette",
        app="starlette_app",
        cookie="session",
        sign_in=session("starlette"),
        sign_in_as=_by_json("user_id"),
        minted=_starlette,
        nobodys=lambda: [
            minting.starlette(one) for one in (b"{}", b'{"cart":[1]}', b'{"user_id":null}')
        ],
        stale=lambda: [
            minting.starlette(b'{"user_id":"2"}', at=at) for at in (1.5e9, time.time() - 15 * DAY)
        ],
    ),
    Framework(
        name="flask",
        app="flask_app",
        cookie="session",
        sign_in=session("flask", secret=BOTH),
        sign_in_as=_by_json("user_id"),
        minted=_flask,
        nobodys=lambda: [
            minting.flask(one) for one in (b"{}", b'{"cart":[1]}', b'{"user_id":null}')
        ],
        stale=lambda: [
            minting.flask(b'{"user_id":"2"}', at=at) for at in (1.5e9, time.time() - 32 * DAY)
        ],
    ),
    Framework(
        name="django",
        app="django_site",
        cookie="sessionid",
        sign_in=session("django", secret=BOTH),
        sign_in_as=_by_json("username"),
        minted=_django,
        nobodys=lambda: [
            minting.django(one) for one in (b"{}", b'{"cart":[1]}', b'{"_auth_user_id":null}')
        ],
        stale=lambda: [
            minting.django(b'{"_auth_user_id":"2"}', at=at)
            for at in (1.5e9, time.time() - 15 * DAY)
        ],
    ),
    Framework(
        name="express",
        app="express",
        is_node=True,
        cookie="session",
        sign_in=session("express", secret=BOTH),
        sign_in_as=_by_json("user_id"),
        minted=_express,
        nobodys=lambda: [
            minting.express(one) for one in (b"{}", b'{"cart":[1]}', b'{"user_id":null}')
        ],
    ),
    Framework(
        name="fastapi-users",
        app="fastapi_users_app",
        cookie="fastapiusersauth",
        sign_in=session("fastapi-users"),
        sign_in_as=_by_password,
        minted=_fastapi_users,
        nobodys=lambda: (),
        stale=lambda: [
            minting.fastapi_users(b'{"sub":"2","aud":["fastapi-users:auth"]%b}' % expiring(-60))
        ],
    ),
    Framework(
        name="authjs",
        app="authjs",
        is_node=True,
        cookie=V5,
        sign_in=session("authjs", secret=BOTH, cookie=V5),
        sign_in_as=_by_authjs(V5),
        minted=_encrypted("A256CBC-HS512", V5),
        nobodys=lambda: [
            minting.encrypted(
                b'{"name":"x"%b}' % expiring(), enc="A256CBC-HS512", cookie=V5, secret=SECRET
            )
        ],
        stale=lambda: [
            minting.encrypted(
                b'{"sub":"2"%b}' % expiring(-60), enc="A256CBC-HS512", cookie=V5, secret=SECRET
            )
        ],
    ),
    Framework(
        name="next-auth",
        app="nextauth",
        is_node=True,
        cookie=V4,
        sign_in=session("authjs", cookie=V4, secret=OTHER_SECRET),
        sign_in_as=_by_authjs(V4),
        minted=_encrypted("A256GCM", V4, OTHER_SECRET),
        nobodys=lambda: [
            minting.encrypted(
                b'{"name":"x"%b}' % expiring(), enc="A256GCM", cookie=V4, secret=OTHER_SECRET
            )
        ],
        stale=lambda: [
            minting.encrypted(
                b'{"sub":"2"%b}' % expiring(-60), enc="A256GCM", cookie=V4, secret=OTHER_SECRET
            )
        ],
    ),
)
