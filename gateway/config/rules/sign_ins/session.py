"""A session sign-in: secrets nobody guesses, and nothing said that the format cannot keep."""

from collections.abc import Iterator
from importlib.util import find_spec

from gateway.config.mistake import Finding, Path, did_you_mean
from gateway.config.rules.secrets import weakness
from gateway.config.sign_ins.session import FRAMEWORKS, SessionSettings

_OF_A_TEMPLATE = "django-insecure-"  # what startproject writes, for development alone


def check(sign_in: SessionSettings, path: Path) -> Iterator[Finding]:
    """The findings about one."""
    framework = FRAMEWORKS.get(sign_in.framework)
    if framework is None:
        hint = did_you_mean(sign_in.framework, FRAMEWORKS) or "; of any other, ask the app: `ask`"
        yield Finding((*path, "framework"), f"must be one of {', '.join(FRAMEWORKS)}{hint}")
        return
    for secret in sign_in.secret:
        message = weakness(secret, least=framework.least, by="RFC 2104 section 3")
        if message is None and secret.get_secret_value().startswith(_OF_A_TEMPLATE):
            message = "is one that startproject made for development: make another"
        if message is not None:
            yield Finding((*path, "secret"), message)
    if sign_in.max_age is not None and framework.max_age is None:
        yield Finding((*path, "max_age"), framework.no_max_age)
    if sign_in.actor_key is not None and sign_in.framework == "fastapi-users":
        message = "its tokens are a user's own: none says that somebody else acts"
        yield Finding((*path, "actor_key"), message)
    if framework.extra is not None and find_spec(framework.library) is None:
        yield Finding(
            (*path, "framework"),
            f"needs more installed: pip install 'chat-identity-gateway[{framework.extra}]'",
        )
