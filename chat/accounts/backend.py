"""The authentication backend: checks a password for a user name or email address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from chat.accounts.login_throttle import begin_attempt, record_success
from chat.models import User


class AccountBackend(ModelBackend):
    """Django's backend, with a throttle and equal time for every refusal."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User:
        """Return the user, or raise ``PermissionDenied``; no other backend is tried.

        Unknown names, guests, closed accounts and wrong passwords take the same time:
        each of them hashes the password once.
        """
        if username is None or password is None:
            raise PermissionDenied
        user = User.objects.known_as(username)
        if request is not None and begin_attempt(request, username, user) is not None:
            raise PermissionDenied
        if user is None:
            User().set_password(password)
            raise PermissionDenied
        is_right = user.check_password(password)
        if not is_right or user.closed_at or not self.user_can_authenticate(user):
            raise PermissionDenied
        if request is not None:
            record_success(request, username, user)
        return user
