"""People. A guest is a user without a name, so that every owner check is one check."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from chat.models.preferences import Preferences


class UserManager(BaseUserManager["User"]):
    def guest(self, pk: uuid.UUID) -> User:
        """The guest of this id, made at their first prompt; one, however often."""
        return self.get_or_create(pk=pk, defaults={"password": _no_password()})[0]

    def named(self, username: str) -> User | None:
        """The account of this name, in whatever case it is written."""
        return self.filter(username__iexact=username).first()

    def create_user(
        self, username: str, password: str | None = None, email: str = ""
    ) -> User:
        user = self.model(username=username, email=email)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, password: str | None = None, email: str = ""
    ) -> User:
        user = self.create_user(username, password, email)
        user.is_staff = user.is_superuser = True
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin, Preferences):
    """Somebody who asks. Signing up only gives the row a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True, null=True, blank=True)
    #: Where a link to a new password goes; empty for nowhere.
    email = models.EmailField(max_length=254, blank=True, default="")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    #: When this person last asked for a page, to some hours.
    seen_at = models.DateTimeField(null=True, blank=True)
    #: Digest of the network a guest came from: guests of one network share a weight.
    network = models.CharField(max_length=64, blank=True, default="")
    #: Limits of this person alone, by the name of their setting in small letters.
    limits = models.JSONField(default=dict, blank=True)
    #: The account was closed: whatever is left of it is being erased.
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = (
            models.UniqueConstraint(Lower("username"), name="one_account_per_name"),
            models.UniqueConstraint(
                Lower("email"), condition=~models.Q(email=""), name="one_per_email"
            ),
        )
        indexes = (
            models.Index(
                fields=("seen_at",),
                condition=models.Q(username=None),
                name="guest_idle",
            ),
            models.Index(
                fields=("closed_at",),
                condition=models.Q(closed_at__isnull=False),
                name="user_closed",
            ),
        )

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
