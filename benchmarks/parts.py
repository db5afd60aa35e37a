"""Which part of the gateway a function of its stack works for."""

from collections.abc import Sequence

LIBRARIES = "libraries"
# Parts, and how the paths of their modules begin; the first that fits counts.
PARTS: dict[str, tuple[str, ...]] = {
    "the client's wire": (
        "gateway/net/protocol",
        "gateway/net/intake",
        "gateway/net/gate",
        "gateway/net/head",
        "gateway/net/asgi",
        "gateway/net/tally",
        "gateway/net/own_turn",
        "gateway/net/turn",
        "gateway/net/served_request",
        "gateway/net/server",
    ),
    "the vendor's wire": ("gateway/net/",),
    "who asks": ("gateway/authn/", "gateway/welcome", "gateway/core/identity"),
    "limits": ("gateway/limits/", "gateway/core/quota", "gateway/core/window"),
    "the store": ("gateway/store/", "gateway/core/usage"),
    "log and metrics": ("gateway/telemetry/",),
    "the call": (
        "gateway/core/call",
        "gateway/core/strictjson",
        "gateway/core/route",
        "gateway/core/names",
        "gateway/core/fields",
        "gateway/core/guard",
    ),
    "the vendor's request": ("gateway/core/plan", "gateway/core/vendor", "gateway/core/place"),
    "the answer's reading": (
        "gateway/core/observe",
        "gateway/core/note",
        "gateway/core/keywatch",
        "gateway/core/sse",
        "gateway/core/directory",
        "gateway/core/pointer",
    ),
    "the pipeline": ("gateway/",),
    LIBRARIES: (),
}


def part_of(stack: Sequence[str]) -> str:
    """Of the last function of ours in it; each is `name (path)`."""
    for name in reversed(stack):
        path = name.rpartition("(")[2]
        ours = path[path.find("gateway/") :] if "gateway/" in path else ""
        for part, begins in PARTS.items():
            if ours.startswith(begins):
                return part
    return LIBRARIES
