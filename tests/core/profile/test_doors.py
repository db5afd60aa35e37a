"""Which of an application's URLs only the gateway may call, in every spelling a router may take."""

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.routing import Match, Route

from gateway.core.profile.doors import Doors
from tests.support.spellings import HONEST_FIELDS

PATHS = [
    "/api/chat",
    "/api/chats/{chat}",
    "/api/users/{user}/chats",
    "/acme/files/{name}/{+rest}",
]
DOORS = Doors(PATHS, ["x-external-user-id", "X-Caller"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/chat",
        "/api/chats/c-1",
        "/api/chats/c 1",
        "/api/users/me/chats",
        "/acme/files/a/b",
        "/acme/files/a/b/c/d",
    ],
)
def test_covers_the_paths_of_operations(path: str) -> None:
    assert DOORS.covers(path)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/chat/", id="slash at the end"),
        pytest.param("//api/chat", id="two at the beginning"),
        pytest.param("/api//chat", id="two in the middle"),
        pytest.param("/./api/./chat", id="dot segments"),
        pytest.param("/x/../api/chat", id="dot-dot"),
        pytest.param("/../api/chat", id="above the root"),
        pytest.param("/API/Chat", id="case"),
        pytest.param("/api/chat\u017f/c-1", id="a letter that folds to a plain one"),
        pytest.param("/api\\chat", id="backslash"),
        pytest.param("/api/chat;v=1", id="path parameter"),
        pytest.param("/api;x/chat", id="path parameter within"),
        pytest.param("/api/chat?x=1", id="decoded question mark"),
        pytest.param("/api/chat#x", id="decoded number sign"),
        pytest.param("/api/chat\0.png", id="NUL"),
        pytest.param("/api/chat ", id="blank"),
        pytest.param("/api/chat\t", id="tab"),
        pytest.param("/api/\xa0chat", id="no-break space"),
        pytest.param("/api/%63hat", id="encoded twice"),
        pytest.param("/api%2Fchat", id="slash encoded twice"),
        pytest.param("/%252e%252e/api/chat", id="encoded three times"),
        pytest.param("/api/%25252563hat", id="encoded five times"),
        pytest.param("/api/chat\x7f", id="DEL"),
        pytest.param("api/chat", id="no slash"),
        pytest.param("/api/chats/c-1/", id="slash after a variable"),
    ],
)
def test_covers_every_spelling_of_them(path: str) -> None:
    """P-01, P-02, P-04, P-05, P-09, P-17: of an application called in process"""
    assert DOORS.covers(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/chats", "/api/chatx", "/api/chat/x", "/api/chat.json", "/acme/files/a",
     "/files/a/b", "/api/users/me", "/chat", "/x/api/chat", "/my%20files/a b",
     "/api/chat!", "/api/chat~", "/api/chat\xa1", "/api/%2525252563hat"],
)  # fmt: skip
def test_leaves_all_else_to_the_application(path: str) -> None:
    assert not DOORS.covers(path)


@given(st.lists(st.sampled_from(["/", "%2f", "%2F", "//", "/./", "\\", "/x/../"]), min_size=2,
                max_size=2), st.data())  # fmt: skip
def test_however_a_path_is_put_together_it_is_covered(slashes: list[str], data: st.DataObject):
    words = []
    for word in ("api", "chat"):
        letters = [
            data.draw(st.sampled_from([c, c.upper(), f"%{ord(c):02x}", quote(f"%{ord(c):02X}")]))
            for c in word
        ]
        words.append("".join(letters))
    assert DOORS.covers(
        "".join(f"{slash}{word}" for slash, word in zip(slashes, words, strict=True))
    )


ODD = [" ", ".", "..", ";", "?", "#", "\0", "\t", "\\", "\xa0", "%2e", "%3f", "%2f", "%252e", "%"]
SEGMENT = st.lists(st.sampled_from([*ODD, "a", "API", "chat", "chats"]), max_size=3).map("".join)
OPERATIONS = [Route(path.replace("{+rest}", "{rest:path}"), print) for path in PATHS]


def merging_slashes(path: str) -> str:
    return re.sub("/+", "/", path)


def without_parameters(path: str) -> str:
    return re.sub(";[^/]*", "", path)


@pytest.mark.parametrize("leniency", [str, unquote, merging_slashes, without_parameters])
@given(
    st.lists(SEGMENT, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts)),
    st.sampled_from(PATHS),
    SEGMENT,
)
@example("/", "/api/users/{user}/chats", "a?")
@example("/", "/api/users/{user}/chats", "..")
@example("/", "/api/users/{user}/chats", " ")
@example("/acme/files/a/", "/api/chat", "")
@example("/acme/files//a/", "/api/chat", "")
def test_what_a_router_takes_for_an_operations_is_covered(
    leniency: Callable[[str], str], path: str, template: str, variable: str
) -> None:
    """P-01, P-06: one forgives what another hands over as part of a variable."""
    filled = re.sub(r"\{[^}]+\}", lambda _: variable, template)
    for one in (path, filled, path + filled):
        scope = {"type": "http", "method": "GET", "path": leniency(one), "root_path": ""}
        if any(route.matches(scope)[0] is Match.FULL for route in OPERATIONS):
            assert DOORS.covers(one)


@pytest.mark.parametrize("path", ["/" + "a/" * 65 + "%20", "/" + 4096 * "a" + "%20"], ids=len)
def test_what_is_too_long_to_be_read_every_way_is_in_doubt(path: str) -> None:
    assert DOORS.covers(path)
    assert not DOORS.covers(path.replace("%20", "x"))


@given(st.text())
def test_any_path_can_be_looked_at(path: str) -> None:
    assert DOORS.covers(path) in {True, False}


@pytest.mark.parametrize(
    "name",
    [
        "x-external-user-id",
        "X-External-User-Id",
        "x_external_user_id",
        "X-EXTERNAL_USER-ID",
        "x--external-user-id",
        "xexternaluserid",
        "x-caller",
        "X_Caller",
        "x-user",
        "x-forwarded-user",
        "x-forwarded-email",
        "remote-user",
        "x-auth-request-email",
        "x-org-id",
        "x-tenant",
        "x-roles",
        "user[id]",
        "x-goog-authenticated-user-email",
        "x" * 129,
    ],
)
def test_fields_that_say_who_asks_are_left_out(name: str) -> None:
    """H-01, H-02: of every request to an application that is its own vendor"""
    kept = (b"accept", b"*/*")
    assert DOORS.stripped([(name.encode(), b"victim"), kept]) == [kept]


# What browsers, SDKs, proxies and ASGI servers send, and applications read.
HONEST = """
    accept accept-charset accept-encoding accept-language access-control-request-headers
    access-control-request-method authorization cache-control connection content-encoding
    content-language content-length content-location content-md5 content-range content-type cookie
    date depth destination dnt downlink dpr early-data ect expect forwarded from host
    http2-settings hx-boosted hx-current-url hx-request hx-target hx-trigger idempotency-key
    if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive last-event-id
    max-forwards origin pragma prefer priority proxy-authorization proxy-connection purpose range
    referer rtt save-data sec-ch-ua sec-ch-ua-arch sec-ch-ua-mobile sec-ch-ua-model
    sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc
    sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version te
    traceparent tracestate baggage trailer transfer-encoding upgrade upgrade-insecure-requests
    user-agent via warning x-amzn-trace-id x-api-key x-b3-traceid x-cloud-trace-context
    x-correlation-id x-csrf-token x-csrftoken x-forwarded-for x-forwarded-host x-forwarded-port
    x-forwarded-prefix x-forwarded-proto x-forwarded-scheme x-http-method-override x-inertia
    x-original-uri x-original-url x-real-ip x-request-id x-request-start x-requested-with
    x-scheme x-xsrf-token stripe-signature x-hub-signature-256 x-github-event x-github-delivery
    x-slack-signature x-twilio-signature svix-id svix-signature cf-connecting-ip cf-ipcountry
    cf-ray cdn-loop true-client-ip fly-client-ip x-vercel-id x-vercel-ip-country tus-resumable
    upload-length upload-offset upload-metadata ngrok-skip-browser-warning
"""


@pytest.mark.parametrize("name", sorted({*HONEST.split(), *HONEST_FIELDS, "x" * 128}))
def test_all_others_stay_as_they_are(name: str) -> None:
    line = (name.encode(), b"x")
    assert DOORS.stripped([line, line]) == [line, line]
