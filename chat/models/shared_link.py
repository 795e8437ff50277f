"""A shared link: a frozen copy of one path of a conversation, open to who has it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.dateparse import parse_datetime

from chat.models.message import Message
from chat.models.reply import Reply
from chat.models.reply_choices import Origin
from chatsite import wire

#: What a copy keeps of how a reply was made, where its owner wants it: nothing that
#: names a worker, a request or a key.
DETAIL_FIELDS = (
    *("revision", "precision", "settings", "seed", "instructions", "attempt"),
    *("prompt_tokens", "new_tokens", "dropped_turns", "cut_tokens"),
    *("queued_at", "started_at", "first_text_at", "finished_at"),
)


class SharedLinkQuerySet(models.QuerySet["SharedLink"]):
    """Sets of shared links."""

    def live(self, now: datetime) -> SharedLinkQuerySet:
        """Links that open: neither expired nor of something that was deleted."""
        return self.unexpired(now).filter(
            conversation__deleted_at=None, owner__is_active=True
        )

    def count_open(self, now: datetime) -> int:
        """How many links lead somewhere; none while sharing is off."""
        return 0 if settings.SHARING == "off" else self.live(now).count()

    def unexpired(self, now: datetime) -> SharedLinkQuerySet:
        """Links without an end, or before it."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now))


class SharedLink(models.Model):
    """An address that cannot be guessed, and what can be read there.

    The address is stored, so that its owner can copy it again: what it protects lies
    in the same database. It is looked up by its digest, which takes as long for a
    wrong one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shared_links"
    )
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="shared_links"
    )
    secret = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    #: Whether the copy says how its replies were made.
    has_details = models.BooleanField(default=False)
    message_count = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField(auto_now_add=True)
    #: When the texts were copied last.
    frozen_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = SharedLinkQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(
                fields=("expires_at",),
                condition=Q(expires_at__isnull=False),
                name="shared_link_expiry",
            ),
        )

    def __str__(self) -> str:
        return f"shared link {self.pk}"


class SharedMessage(models.Model):
    """A message of the copy behind a shared link, without ids of the original."""

    link = models.ForeignKey(
        SharedLink,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,  # the constraint begins with it
    )
    #: From 0, in the order of the path.
    place = models.PositiveIntegerField()
    role = models.CharField(
        max_length=9, choices=[(role.value, role.name) for role in wire.Role]
    )
    text = models.TextField(blank=True)
    said_at = models.DateTimeField()
    #: Of a reply: its model, and whether it is done, was stopped or failed.
    model = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=7, blank=True)
    #: Of a reply: whether a worker wrote it, as ``Reply.origin`` says.
    origin = models.CharField(max_length=9, blank=True)
    #: Of a reply: ``DETAIL_FIELDS``, where the owner wants to show them.
    details = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ("place",)
        constraints = (
            models.UniqueConstraint(fields=("link", "place"), name="one_shared_place"),
        )

    def __str__(self) -> str:
        return f"message {self.place} of {self.link_id}"

    @classmethod
    def of(
        cls, link: SharedLink, place: int, message: Message, *, has_details: bool
    ) -> SharedMessage:
        """The frozen copy of a message, which is not saved yet."""
        copy = cls(link=link, place=place, role=message.role, text=message.text)
        copy.said_at = message.created_at
        if message.is_from_user:
            return copy
        reply = message.reply
        copy.said_at = reply.finished_at or message.created_at
        copy.model, copy.state, copy.origin = reply.model, reply.state, reply.origin
        if has_details:
            copy.details = {name: getattr(reply, name) for name in DETAIL_FIELDS}
        return copy

    @property
    def is_from_user(self) -> bool:
        """Whether a user wrote it, and not a model."""
        return self.role == wire.Role.USER

    @property
    def is_edited(self) -> bool:
        """Whether a person changed what a model had written."""
        return self.origin == Origin.EDITED

    @property
    def number(self) -> int:
        """Its place, counted from 1."""
        return self.place + 1

    @property
    def reply(self) -> Reply | None:
        """How the reply was made, as a row that is not saved; None if untold."""
        if self.details is None:
            return None
        origin = self.origin or Origin.GENERATED
        fields = {"model": self.model, "state": self.state, "origin": origin}
        return Reply(**fields, **_parsed(self.details))


def _parsed(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details with their times as times, which JSON does not know."""
    return {
        name: parse_datetime(value) if name.endswith("_at") and value else value
        for name, value in details.items()
    }
