"""What a format makes of a cookie."""

from collections.abc import Sequence

import pytest

from gateway.authn.sessions.format import Format, Session
from gateway.core.errors import CredentialsExpired, CredentialsInvalid
from tests.support.ask import asking
from tests.support.mutations import Pair, written

NOW = 1_800_000_000.0


def opened(form: Format, cookies: Sequence[Pair], *, now: float = NOW) -> Session:
    (place,) = form.places
    text = place.read(asking(("cookie", written(cookies).decode("latin-1"))))
    assert text is not None
    return form.open(text, now=now)


def refused(form: Format, cookies: Sequence[Pair], *, now: float = NOW) -> str:
    """Why it is refused for good."""
    with pytest.raises(CredentialsInvalid) as caught:
        opened(form, cookies, now=now)
    return caught.value.detail


def expired(form: Format, cookies: Sequence[Pair], *, now: float = NOW) -> bool:
    try:
        opened(form, cookies, now=now)
    except CredentialsExpired:
        return True
    return False
