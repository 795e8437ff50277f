"""Users. A guest is a user without a name, so one owner check covers both."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from chat.models.preferences import Preferences

if TYPE_CHECKING:
    from chat.models.api_key import ApiKey


class UserManager(BaseUserManager["User"]):
    """Creates users and finds them by what they type."""

    def guest(
        self, pk: uuid.UUID, network: str = "", seen_at: datetime | None = None
    ) -> User:
        """The guest with this id, created at the first message; may be repeated."""
        return self.get_or_create_guest(pk, network, seen_at)[0]

    def get_or_create_guest(
        self, pk: uuid.UUID, network: str = "", seen_at: datetime | None = None
    ) -> tuple[User, bool]:
        """The guest, and whether this call created it.

        It tries to create first, since callers have not found the guest before.
        """
        fresh = self.model(
            pk=pk, password=_no_password(), network=network, seen_at=seen_at
        )
        try:
            with transaction.atomic(using=self.db):
                fresh.save(force_insert=True, using=self.db)
        except IntegrityError:
            return self.get(pk=pk), False
        return fresh, True

    def named(self, username: str) -> User | None:
        """The account with this name, ignoring case."""
        folded = self.annotate(folded=Lower("username"))
        return folded.filter(folded=fold(username)).first()

    def addressed(self, email: str) -> User | None:
        """The account with this email address, ignoring case."""
        folded = self.exclude(email="").annotate(folded=Lower("email"))
        return folded.filter(folded=fold_address(email)).first()

    def known_as(self, typed: str) -> User | None:
        """The account with this name or email address, as typed at log-in.

        Names never contain an @, so the two cannot be confused.
        """
        return self.addressed(typed) if is_address(typed) else self.named(typed)

    def get_by_natural_key(self, username: str | None) -> User:
        """The account as Django's commands look it up. Raises ``DoesNotExist``."""
        found = self.known_as(username or "")
        if found is None:
            raise self.model.DoesNotExist
        return found

    def create_user(
        self, username: str, password: str | None = None, email: str = ""
    ) -> User:
        """Create an account."""
        user = self.model(username=username, email=email)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, password: str | None = None, email: str = ""
    ) -> User:
        """Create an account that may use all of Django's admin."""
        user = self.create_user(username, password, email)
        user.is_staff = user.is_superuser = True
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin, Preferences):
    """A guest or an account. Signing up only gives the guest's row a name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=150, unique=True, null=True, blank=True)
    #: Where password-reset links are sent; may be empty.
    email = models.EmailField(max_length=254, blank=True, default="")
    #: The address whose link was followed last; another one is not confirmed.
    confirmed_email = models.EmailField(
        max_length=254, blank=True, default="", db_default="", editable=False
    )
    #: The language in which mail says that a reply is ready; empty for no such mail.
    ready_mail_language = models.CharField(
        max_length=10, blank=True, default="", db_default="", editable=False
    )
    #: When the last such mail left.
    ready_mailed_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    #: When the user last requested a page, to within a few hours.
    seen_at = models.DateTimeField(null=True, blank=True)
    #: Digest of a guest's network: guests of one network share one place in the queue.
    network = models.CharField(max_length=64, blank=True, default="")
    #: Limits of this user, by the last words of their settings in lower case.
    limits = models.JSONField(default=dict, blank=True)
    #: When the account was closed; the keeper erases it.
    closed_at = models.DateTimeField(null=True, blank=True)

    #: True for a guest who is known by the guest cookie, without a session.
    is_from_cookie = False
    #: The key with which a program acts for this account; None for its pages.
    used_key: ApiKey | None = None

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
            return f"being deleted {self.pk}"
        return self.username or f"guest {self.pk}"

    def close(self) -> None:
        """End all log-ins of this user and free the name; the keeper erases more."""
        self.username, self.email, self.is_active = None, "", False
        self.confirmed_email, self.ready_mail_language = "", ""
        self.is_staff = self.is_superuser = False
        self.instructions = ""
        self.settings = {}
        self.limits = {}
        self.set_unusable_password()
        self.closed_at = self.closed_at or timezone.now()
        self.save()

    @property
    def has_confirmed_email(self) -> bool:
        """Whether a link that was sent to today's address was followed."""
        return bool(self.email) and self.confirmed_email == self.email

    @property
    def is_guest(self) -> bool:
        """Whether the user has no account."""
        return self.username is None

    @property
    def is_guest_of_network(self) -> bool:
        """Whether the guest counts together with others of the same network."""
        return self.is_guest and bool(self.network)

    @property
    def share(self) -> str:
        """The key of the user's share in the queue.

        All guests of a network have one share, so private windows gain nothing; each
        account has one of its own.
        """
        return f"network:{self.network}" if self.is_guest_of_network else str(self.pk)


def fold(name: str) -> str:
    """The name in a form that ignores case and Unicode compatibility variants."""
    composed = unicodedata.normalize("NFKC", name).strip()
    return unicodedata.normalize("NFKC", composed.casefold())


def is_address(typed: str) -> bool:
    """Whether this is an email address and not a name."""
    return "@" in typed


def fold_address(email: str) -> str:
    """The address in a form that ignores case."""
    return email.strip().lower()


def _no_password() -> str:
    """A new password hash that no password matches."""
    user = User()
    user.set_unusable_password()
    return user.password
