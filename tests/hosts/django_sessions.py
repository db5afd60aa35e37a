"""Django with its sessions in a database, as it is unless told otherwise: a cookie is an id."""

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
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{folder.name}/site.db",
            "OPTIONS": {"timeout": 20},
        }
    },
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import authenticate, login, logout  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402


def sign_in(request: HttpRequest) -> JsonResponse:
    who = json.loads(request.body)["user_id"]
    login(request, authenticate(request, username=f"user-{who}", password="a password"))
    return JsonResponse({})


def sign_out(request: HttpRequest) -> JsonResponse:
    logout(request)
    return JsonResponse({})


def me(request: HttpRequest) -> JsonResponse:
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    return JsonResponse({"user": request.user.pk})


urlpatterns = [path("sign-in", sign_in), path("sign-out", sign_out), path("me", me)]


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    for who in (1, 2):
        User.objects.create_user(f"user-{who}", password="a password", pk=who)
    serve_wsgi(get_wsgi_application())
