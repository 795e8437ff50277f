"""Exports all that the site keeps of a user, as one JSON document in pieces.

Only a part of the document is in memory at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Model
from django.utils import timezone

from chat.accounts.session_end import sessions_of
from chat.models import Conversation, Message, User
from chat.services.exports.documents import (
    as_text,
    conversation_fields,
    joined,
    message_fields,
    messages_of,
    preferences,
    to_json,
)
from chat.services.exports.pages import ROWS_PER_READ, oldest_first

#: What is before each row of a list.
BEFORE_ROW = "\n  "
#: Fields of ``PushSubscription`` in the export. Its address is a secret.
PUSH_FIELDS = ("language", "created_at", "last_success_at")
#: Fields of ``Preset`` in the export.
PRESET_FIELDS = (
    *("id", "name", "description", "model", "settings", "instructions"),
    *("created_at", "updated_at"),
)
#: Fields of ``BatchFile`` in the export. Its content can be downloaded by itself.
FILE_FIELDS = ("id", "name", "purpose", "size_bytes", "created_at", "expires_at")
#: Fields of ``ApiKey`` in the export: all but the digest of its secret.
KEY_FIELDS = (
    *("id", "name", "prefix", "can_chat", "can_read_history", "can_batch"),
    *("keeps_conversations", "is_helper", "limits", "created_at", "last_used_at"),
    *("expires_at", "revoked_at"),
)
#: Fields of ``WebhookEndpoint`` in the export: all but its secrets.
WEBHOOK_FIELDS = (
    *("id", "url", "description", "events", "created_at", "last_success_at"),
    *("disabled_at", "disabled_reason"),
)


def export_user(user: User) -> Iterator[str]:
    """Yield pieces of the document: the account, its conversations, links and batches.

    Each message names its ``parent``; ``active`` is the last message of the path that
    the page shows.
    """
    begin = json.dumps(_account(user), indent=1, default=as_text)
    yield begin.removesuffix("\n}") + ',\n "conversations": ['
    conversations = Conversation.objects.filter(owner=user).filter(is_hidden=False)
    separator = "\n"
    for conversation in oldest_first(conversations):
        yield separator
        yield from _conversation(conversation)
        separator = ",\n"
    yield '\n ],\n "shared_links": ['
    yield from joined(_shared_links(user), BEFORE_ROW)
    yield '\n ],\n "batches": ['
    yield from joined(_batches(user), BEFORE_ROW)
    yield "\n ]\n}\n"


def _account(user: User) -> dict[str, Any]:
    return {
        "exported_at": timezone.now(),
        "account": _profile(user),
        "preferences": preferences(user),
        "presets": _fields_of(user.presets.order_by("created_at"), PRESET_FIELDS),
        "sessions": [
            {
                "device": session.device,
                "created_at": session.created_at,
                "seen_at": session.seen_at,
                "ends_at": session.expire_date,
            }
            for session in sessions_of(user)
        ],
        "push_subscriptions": [
            {
                "device": one.session.device,
                "service": urlsplit(one.endpoint).hostname,
                **{name: getattr(one, name) for name in PUSH_FIELDS},
            }
            for one in user.push_subscriptions.select_related("session")
        ],
        "api_keys": _fields_of(user.api_keys.all(), KEY_FIELDS),
        "batch_files": _fields_of(user.batch_files.all(), FILE_FIELDS),
        "webhooks": [
            {name: getattr(webhook, name) for name in WEBHOOK_FIELDS}
            | {"api_key": webhook.api_key_id}
            for webhook in user.webhooks.all()
        ],
    }


def _profile(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "name": user.username,
        "email": user.email or None,
        "confirmed_email": user.confirmed_email or None,
        "ready_mail_language": user.ready_mail_language or None,
        "ready_mailed_at": user.ready_mailed_at,
        "joined_at": user.joined_at,
        "seen_at": user.seen_at,
        "limits": user.limits,
    }


def _fields_of(rows: Iterable[Model], names: Sequence[str]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in names} for row in rows]


def _conversation(conversation: Conversation) -> Iterator[str]:
    """As ``chatsite-export`` has it, with what concerns the account alone."""
    fields = {
        **conversation_fields(conversation),
        "deleted_at": conversation.deleted_at,
        "api_key": conversation.api_key_id,
        "deleted_turns": [
            {"deleted_at": turn.deleted_at, "messages": turn.texts()}
            for turn in conversation.deleted_turns.order_by("deleted_at")
        ],
    }
    yield to_json(fields).removesuffix("}") + ', "messages": ['
    yield from joined(map(_message, messages_of(conversation)), BEFORE_ROW)
    yield "]}"


def _message(message: Message) -> dict[str, Any]:
    fields = message_fields(message)
    if "reply" in fields:
        reply = message.reply
        fields["reply"] |= {"origin": reply.origin, "call": reply.call}
    return fields


#: Fields of ``SharedLink`` and of ``SharedMessage`` in the export.
LINK_FIELDS = (
    *("id", "conversation_id", "secret", "title", "has_details"),
    *("created_at", "frozen_at", "expires_at"),
)
SHARED_FIELDS = (
    "place",
    "role",
    "text",
    "said_at",
    "model",
    "state",
    "origin",
    "details",
)


def _shared_links(user: User) -> Iterator[dict[str, Any]]:
    """The shared links, and each message of their copies after them."""
    for link in user.shared_links.order_by("created_at"):
        fields = {name: getattr(link, name) for name in LINK_FIELDS}
        yield {"conversation": fields.pop("conversation_id"), **fields}
        for message in link.messages.values(*SHARED_FIELDS).iterator(ROWS_PER_READ):
            yield {"shared_link": link.pk, **message}


#: Fields of ``Batch`` and of ``BatchLine`` in the export.
BATCH_FIELDS = (
    *("id", "status", "endpoint", "completion_window", "metadata", "errors"),
    *("total", "completed", "failed", "created_at", "expires_at"),
    *("in_progress_at", "completed_at", "failed_at", "expired_at", "cancelled_at"),
)
LINE_FIELDS = ("number", "custom_id", "state", "body", "result")


def _batches(user: User) -> Iterator[dict[str, Any]]:
    """The batches, and each of their lines after them."""
    for batch in user.batches.order_by("created_at"):
        yield {name: getattr(batch, name) for name in BATCH_FIELDS}
        for line in batch.lines.values("batch_id", *LINE_FIELDS).iterator(
            ROWS_PER_READ
        ):
            yield {"batch": line.pop("batch_id"), **line}
