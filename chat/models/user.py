"""People. A guest is a user without a name, so that every owner check is one check."""

from __future__ import annotations

import unicodedata
import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from chat.models.preferences import Preferences


class UserManager(BaseUserManager["User"]):
    def guest(self, pk: uuid.UUID, network: str = "") -> User:
        """The guest of this id, made at their first prompt; one, however often."""
        return self.get_or_make_guest(pk, network)[0]

    def get_or_make_guest(self, pk: uuid.UUID, network: str = "") -> tuple[User, bool]:
        """The same, and whether this made it."""
        fresh = {"password": _no_password(), "network": network}
        return self.get_or_create(pk=pk, defaults=fresh)

    def named(self, username: str) -> User | None:
        """The account of this name, in whatever case it is written."""
        folded = self.annotate(folded=Lower("username"))
        return folded.filter(folded=fold(username)).first()

    def addressed(self, email: str) -> User | None:
        """The account of this address, in whatever case it is written."""
        folded = self.exclude(email="").annotate(folded=Lower("email"))
        return folded.filter(folded=fold_address(email)).first()

    def known_as(self, typed: str) -> User | None:
        """The account of this name or address, for whoever logs in.

        No name holds an @, so that neither can be taken for the other.
        """
        return self.addressed(typed) if is_address(typed) else self.named(typed)

    def get_by_natural_key(self, username: str | None) -> User:
        found = self.known_as(username or "")
        if found is None:
            raise self.model.DoesNotExist
        return found

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

    #: True for a guest whom the cookie alone tells: this browser has no session.
    is_of_cookie = False

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
        if self.closed_at is not None:
            return f"being erased {self.pk}"
        return self.username or f"guest {self.pk}"

    def close(self) -> None:
        """Nobody signs in as this person any more, and the name is free again."""
        self.username, self.email, self.is_active = None, "", False
        self.is_staff = self.is_superuser = False
        self.instructions = ""
        self.settings = {}
        self.limits = {}
        self.set_unusable_password()
        self.closed_at = self.closed_at or timezone.now()
        self.save()

    @property
    def is_guest(self) -> bool:
        return self.username is None

    @property
    def is_guest_of_network(self) -> bool:
        """Whether others of the same network count together with this guest."""
        return self.is_guest and bool(self.network)

    @property
    def share(self) -> str:
        """Whom the line counts as one person: all guests of a network, so that private
        windows gain nothing; an account alone."""
        return f"network:{self.network}" if self.is_guest_of_network else str(self.pk)


def fold(name: str) -> str:
    """The same for every way to write a name."""
    composed = unicodedata.normalize("NFKC", name).strip()
    return unicodedata.normalize("NFKC", composed.casefold())


def is_address(typed: str) -> bool:
    return "@" in typed


def fold_address(email: str) -> str:
    return email.strip().lower()


def _no_password() -> str:
    """A password hash that no password matches, fresh for every guest."""
    user = User()
    user.set_unusable_password()
    return user.password
