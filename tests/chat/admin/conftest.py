"""A superuser's browser, a user, and what the pages of the admin take and show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from chat.models import User
from chatsite.mailbox import Mailbox

USERS = "/admin/chat/user/"
CONVERSATIONS = "/admin/chat/conversation/"
REPLIES = "/admin/chat/reply/"
SESSIONS = "/admin/chat/session/"
KEYS = "/admin/chat/apikey/"
WEBHOOKS = "/admin/chat/webhookendpoint/"
LISTS = (
    *(USERS, CONVERSATIONS, REPLIES, SESSIONS, KEYS, WEBHOOKS),
    "/admin/chat/invitation/",
)


def make_account(name: str, **fields: Any) -> User:
    user = User(username=name, **fields)
    user.set_unusable_password()
    user.save()
    return user


@pytest.fixture
def superuser(box: Mailbox) -> User:
    return make_account("root", is_staff=True, is_superuser=True)


@pytest.fixture
def superuser_client(superuser: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(superuser)


@pytest.fixture
def ada(db: None) -> User:
    return make_account("ada", email="ada@example.org")


def row_count(response: Any) -> int:
    assert response.status_code == 200
    return int(response.context["cl"].result_count)


def run_action(
    superuser_client: Client, path: str, action: str, *pks: Any, **more: Any
) -> Any:
    form = {"action": action, "_selected_action": [str(pk) for pk in pks], **more}
    return superuser_client.post(path, form, follow=True)


def save_user(superuser_client: Client, user: User, **fields: Any) -> Any:
    form = {"email": user.email, "is_active": "on", "limits": "{}", **fields}
    return superuser_client.post(f"{USERS}{user.pk}/change/", form, follow=True)


def staff_with(*names: str) -> User:
    user = make_account("helper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user
