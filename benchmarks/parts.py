"""Which part of the gateway a function of its stack works for."""

from collections.abc import Sequence

LIBRARIES = "libraries"
# Parts, and how the paths of their modules begin; the first that fits counts.
PARTS: dict[str, tuple[str, ...]] = {
    "the client's wire": (
        "gateway/net/server/",
        "gateway/net/asgi/",
        "gateway/net/process/",
        "gateway/net/gate",
    ),
    "the vendor's wire": ("gateway/net/",),
    "who asks": ("gateway/authn/", "gateway/steps/welcome", "gateway/core/people/"),
    "limits": ("gateway/limits/", "gateway/core/limits/"),
    "the store": ("gateway/store/", "gateway/core/answer/usage"),
    "log and metrics": ("gateway/telemetry/",),
    "the answer's reading": (
        "gateway/core/answer/",
        "gateway/core/formats/sse",
        "gateway/core/formats/pointer",
    ),
    "the vendor's request": (
        "gateway/core/request/plan",
        "gateway/core/profile/vendor",
        "gateway/core/profile/place",
    ),
    "the call": ("gateway/core/request/", "gateway/core/profile/", "gateway/core/formats/"),
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
