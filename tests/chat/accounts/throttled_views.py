"""Views and fixtures for counting log-in attempts."""

from __future__ import annotations

import secrets
from datetime import datetime

import pytest
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from pytest_django import Settings

from chat.accounts.login_throttle import (
    is_correct_password,
)
from chat.models import User

RIGHT = secrets.token_urlsafe(12)
HERE = "203.0.113.7"
ELSEWHERE = "198.51.100.9"


@csrf_exempt
def log_in(request: HttpRequest) -> HttpResponse:
    user = authenticate(
        request, username=request.POST["name"], password=request.POST["password"]
    )
    return HttpResponse(status=204 if user else 422)


@csrf_exempt
def confirm(request: HttpRequest) -> HttpResponse:
    """Check the password of a user who is logged in."""
    user = User.objects.get(username="somebody")
    is_right = is_correct_password(request, user, request.POST["password"])
    return HttpResponse(status=204 if is_right else 422)


urlpatterns = [
    path("log-in/", log_in),
    path("confirm/", confirm),
    path("", include("chatsite.urls")),
]


#: One client for all: each would prepare the whole site for its first request.
browser = Client()


@pytest.fixture
def throttle_settings(settings: Settings) -> None:
    """Use a cheap hasher, these views, and the default limits."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ROOT_URLCONF = __name__
    settings.LOGIN_FAILURES_MAX = 10
    settings.LOGIN_LOCK_MINUTES = 15
    settings.NETWORK_LOGIN_FAILURES_PER_HOUR = 100


@pytest.fixture
def user(db: None, throttle_settings: None) -> User:
    return User.objects.create_user("somebody", RIGHT, "somebody@example.org")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time, which the test sets."""
    now = [timezone.now()]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


def attempt(
    name: str = "somebody", password: str = "wrong", network: str = HERE
) -> HttpResponse:
    data = {"name": name, "password": password}
    return browser.post("/log-in/", data, REMOTE_ADDR=network)
