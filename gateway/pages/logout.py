"""A provider says, behind the browser's back, that somebody has signed out."""

from gateway.core.errors import BadRequest, MethodNotAllowed, UnsupportedMediaType
from gateway.core.formats import fields as http
from gateway.core.formats.query import MAX_QUERY, parse_query
from gateway.core.problem import Answer
from gateway.ports import Inbound, Logouts, Record

OPERATION = "backchannel-logout"
FORM = "application/x-www-form-urlencoded"


async def sign_out(logouts: Logouts, ask: Inbound, record: Record) -> Answer:
    """Answer a request of OpenID Connect Back-Channel Logout 1.0, section 2.5.

    Raises:
        GatewayError: as `Logouts.tell` does; anything but a form that holds one token.
    """
    if ask.method != "POST":
        raise MethodNotAllowed(("POST",))
    media = http.media_type(http.single(ask.fields, b"content-type") or b"")
    if media is None or media.essence != FORM:
        raise UnsupportedMediaType
    record.operation = OPERATION
    form = dict(parse_query(await ask.body(MAX_QUERY)))
    token = form.get("logout_token")
    if not token:
        raise BadRequest("The form holds no logout_token")
    await logouts.tell(token, record)
    return Answer(200, [(b"content-length", b"0")], b"")
