"""Settings → what of the application around us only the gateway may call."""

import re
from collections.abc import Iterator

from gateway.config.model import Settings, UpstreamSettings
from gateway.core.profile.doors import Doors
from gateway.core.profile.place import Header

_IDENTITY = re.compile(r"\{(?:user|org|roles|subject)\}")


def doors_of(settings: Settings) -> Doors | None:
    """The doors of the application; None where it is no upstream."""
    found = [
        (org.path.rstrip("/"), upstream)
        for org in settings.orgs.values()
        for upstream in org.upstreams.values()
        if upstream.is_app
    ]
    if not found:
        return None
    paths = {
        org_path + operation.path
        for org_path, upstream in found
        for operation in upstream.profile.operations.values()
    }
    return Doors(sorted(paths), {name for _, upstream in found for name in _told_by(upstream)})


def _told_by(upstream: UpstreamSettings) -> Iterator[str]:
    """The fields by which the application is told who asks.

    A field that holds nothing but a key is none of them: without the key nobody can forge it, and
    people may have a credential of their own in it, as in Authorization.
    """
    if upstream.user_header:
        yield upstream.user_header
    for name, template in {**upstream.profile.fields, **upstream.fields}.items():
        if "{key}" not in template or _IDENTITY.search(template):
            yield name
    for operation in upstream.profile.operations.values():
        for place in operation.user:
            if isinstance(place, Header):
                yield place.name
