"""What the site has: a page, a sign-in, and who is signed in."""

from pathlib import Path

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

PAGE = (Path(__file__).parents[2] / "chat.html").read_text()


@require_GET
def page(request):
    return HttpResponse(PAGE)


@require_POST
def sign_in(request):
    # Your own sign-in stands here; CSRF protection as well, once it asks for a password.
    user, _ = get_user_model().objects.get_or_create(username=request.POST["name"])
    login(request, user)
    return JsonResponse({"ok": True})


@require_POST
def sign_out(request):
    logout(request)
    return JsonResponse({"ok": True})


@require_GET
def me(request):
    if not request.user.is_authenticated:
        return JsonResponse({"error": "nobody is signed in"}, status=401)
    return JsonResponse({"user_id": request.user.get_username()})


urlpatterns = [
    path("", page),
    path("login", sign_in),
    path("logout", sign_out),
    path("me", me),
]
