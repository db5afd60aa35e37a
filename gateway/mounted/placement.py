"""Where in an application's middlewares we stand, and what is worth saying of that at its start.

Starlette lists them from the outside in: what is added later stands further out, and runs earlier.
"""

from collections.abc import Sequence
from typing import Any

_SIGN_PEOPLE_IN = ("SessionMiddleware", "AuthenticationMiddleware")


def remarks(app: object, ours: type, *, identifies: bool) -> list[str]:
    """What there is to say of the middlewares of `app`; nothing of an app that is not Starlette's.

    `ours` is the middleware we are; where it is not among them, all of them stand outside.
    `identifies`: the application says who its people are.
    """
    classes: list[Any] = [one.cls for one in getattr(app, "user_middleware", ())]
    place = classes.index(ours) if ours in classes else len(classes)
    said = [_may_hold_streams(one) for one in classes[:place] if _reads_answers(one)]
    if identifies:
        said += [_cannot_be_seen(name) for name in _named(classes[place:])]
    return said


def _reads_answers(cls: Any) -> bool:
    # By name: to import it costs what an application without it need not pay.
    bases: Sequence[type] = getattr(cls, "__mro__", ())
    return any(base.__name__ == "BaseHTTPMiddleware" for base in bases)


def _may_hold_streams(cls: type) -> str:
    return (
        f"{cls.__name__} stands outside the gateway, and every chunk of an answer passes it: where "
        "it reads an answer to its end, streams arrive all at once. Add it before "
        "GatewayMiddleware, and only the application's own answers pass it"
    )


def _named(classes: list[Any]) -> list[str]:
    return [one.__name__ for one in classes if getattr(one, "__name__", "") in _SIGN_PEOPLE_IN]


def _cannot_be_seen(name: str) -> str:
    return (
        f"{name} stands inside the gateway, so identify cannot see what it finds: add it after "
        "GatewayMiddleware, for what is added later runs earlier"
    )
