"""An API key: with it a program acts for the account that made it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

#: How many characters of a secret are stored and shown, so that its owner knows it.
PREFIX_CHARACTERS = 12


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Sets of keys."""

    def usable(self, now: datetime) -> ApiKeyQuerySet:
        """Keys that were not revoked and have not expired."""
        is_current = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(is_current, revoked_at=None)


class ApiKey(models.Model):
    """A key of an account, with what it may do.

    The secret is shown once and never stored: it is so long and random that its plain
    SHA-256 cannot be turned back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=PREFIX_CHARACTERS)
    digest = models.CharField(max_length=64, unique=True)

    #: What it may do: send messages, read conversations, run batches.
    can_chat = models.BooleanField(default=True)
    can_read_history = models.BooleanField(default=False)
    can_batch = models.BooleanField(default=False)
    #: Whether its calls become conversations of the account.
    keeps_conversations = models.BooleanField(default=True)
    #: Whether its calls wait behind the messages of all people.
    is_helper = models.BooleanField(default=False)
    #: Limits by kind, such as ``{"prompts_per_day": 100}``. Those of the account apply
    #: as well.
    limits = models.JSONField(default=dict, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    #: To the minute.
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"API key {self.prefix}…"

    def is_usable(self, now: datetime) -> bool:
        """Whether it was not revoked and has not expired."""
        has_expired = self.expires_at is not None and self.expires_at <= now
        return self.revoked_at is None and not has_expired
