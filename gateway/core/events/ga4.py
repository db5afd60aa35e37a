"""An event as Google Analytics 4 takes it: the Measurement Protocol.

https://developers.google.com/analytics/devguides/collection/protocol/ga4. It answers 204 to
anything, so what it would not take must not be sent: names are put into its form, values cut to its
length. Of people it hears the id the upstream knows them by, which the site's own events can carry
as `user_id` too; never what the vendor said of them: names and addresses must not go to Google.
"""

import hashlib
import re
from collections.abc import Mapping

import msgspec

from gateway.core.events.event import Event

LONGEST_NAME = 40  # characters
LONGEST_VALUE = 100
LONGEST_USER = 256
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
# support.google.com/analytics/answer/13316687, for web and for applications.
_RESERVED = """
    ad_activeview ad_click ad_exposure ad_impression ad_query ad_reward adunit_exposure
    app_background app_clear_data app_exception app_install app_remove app_store_refund
    app_store_subscription_cancel app_store_subscription_convert app_store_subscription_renew
    app_update app_upgrade click dynamic_link_app_open dynamic_link_app_update
    dynamic_link_first_open error file_download firebase_campaign
    firebase_in_app_message_action firebase_in_app_message_dismiss
    firebase_in_app_message_impression first_open first_visit form_start form_submit
    in_app_purchase notification_dismiss notification_foreground notification_open
    notification_receive notification_send os_update page_view screen_view scroll session_start
    user_engagement video_complete video_progress video_start view_complete view_search_results
"""
RESERVED = frozenset(_RESERVED.split())
_RESERVED_PREFIX = re.compile(r"(?:firebase_|ga_|google_|gtag|query_id)", re.IGNORECASE)
_OTHER = re.compile(r"[^A-Za-z0-9_]+")
_ENCODER = msgspec.json.Encoder()


def is_name(written: str) -> bool:
    """Whether it may be the name of an event."""
    return (
        NAME.fullmatch(written) is not None
        and written not in RESERVED
        and not _RESERVED_PREFIX.match(written)
    )


def name_of(kind: str, names: Mapping[str, str]) -> str:
    """The name of an event of this kind: "lead.created" is lead_created."""
    if kind in names:
        return names[kind]
    name = _OTHER.sub("_", kind).strip("_")[:LONGEST_NAME]
    return name if is_name(name) else f"chat_{name}"[:LONGEST_NAME].rstrip("_")


def payload(event: Event, names: Mapping[str, str]) -> bytes:
    """The body of a request to /mp/collect."""
    about = event.conversation or event.user or event.id
    params: dict[str, str | int] = {
        "session_id": _number("session", event.org, event.upstream, about),
        "engagement_time_msec": 1,  # without these two no report shows it
        "org": event.org[:LONGEST_VALUE],
        "upstream": event.upstream[:LONGEST_VALUE],
        "event_id": event.id,
    }
    if event.conversation is not None:
        params["conversation"] = event.conversation[:LONGEST_VALUE]
    told: dict[str, object] = {
        "client_id": _client(event.org, event.user or about),
        "timestamp_micros": event.at * 1000,
        "events": [{"name": name_of(event.kind, names), "params": params}],
    }
    if event.user is not None and len(event.user) <= LONGEST_USER:
        told["user_id"] = event.user
    return _ENCODER.encode(told)


def _client(org: str, about: str) -> str:
    """The browser's own id is not known here: one of this form for each person."""
    return f"{_number('client', org, about)}.{_number('of', org, about)}"


def _number(*parts: str) -> str:
    """Ten digits at most, always the same for the same."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return str(int.from_bytes(digest[:4], "big"))
