"""Django with `signed_cookies` sessions, its own users and its own `login`."""

import json
import os
import tempfile

import django
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.hosts.listening import serve_wsgi

folder = tempfile.TemporaryDirectory()
settings.configure(
    SECRET_KEY=os.environ["SECRET"],
    SECRET_KEY_FALLBACKS=[os.environ["OLD_SECRET"]],
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder.name}/site.db"}
    },
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import authenticate, login  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402


def sign_in(request: HttpRequest) -> JsonResponse:
    given = json.loads(request.body)
    user = authenticate(request, username=given.pop("username"), password="a password")
    login(request, user)
    request.session.update(given)
    return JsonResponse({})


def visit(request: HttpRequest) -> JsonResponse:
    request.session["visits"] = 1
    return JsonResponse({})


def me(request: HttpRequest) -> JsonResponse:
    signed_in = request.user.is_authenticated
    return JsonResponse({"user": str(request.user.pk) if signed_in else None})


urlpatterns = [path("sign-in", sign_in), path("visit", visit), path("me", me)]


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    for name in ("alice", "bob"):
        User.objects.create_user(name, password="a password")
    serve_wsgi(get_wsgi_application())
