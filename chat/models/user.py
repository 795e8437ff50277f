"""People. A guest is a user without a name, so that every owner check is one check."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models

from chat.models.preferences import Preferences


class UserManager(BaseUserManager["User"]):
    def guest(self, pk: uuid.UUID) -> User:
        """The guest of this id, made at their first prompt; one, however often."""
        return self.get_or_create(pk=pk, defaults={"password": _no_password()})[0]

    def create_user(self, username: str, password: str | None = None) -> User:
        user = self.model(username=username)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None) -> User:
        user = self.create_user(username, password)
        user.is_staff = user.is_superuser = True
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin, Preferences):
    """Somebody who asks. Signing up only gives the row a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True, null=True, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "username"

    def __str__(self) -> str:
        return self.username or f"guest {self.pk}"

    @property
    def is_guest(self) -> bool:
        return self.username is None


def _no_password() -> str:
    """A password hash that no password matches, fresh for every guest."""
    user = User()
    user.set_unusable_password()
    return user.password
