"""What a webhook is sent, built from the row of the reply at each try."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from chat.models import Reply, WebhookDelivery


def body_of(delivery: WebhookDelivery) -> bytes:
    """The JSON of one delivery; the same at each try, since no ended reply changes."""
    reply = delivery.reply
    content = {
        "type": delivery.type,
        "timestamp": _iso_time(
            delivery.created_at if reply is None else reply.finished_at
        ),
        "data": {} if reply is None else _reply_data(reply),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _reply_data(reply: Reply) -> dict[str, Any]:
    text, most = reply.message.text, settings.WEBHOOK_TEXT_CHARACTERS
    return {
        "id": str(reply.pk),
        "conversation": str(reply.message.conversation_id),
        "state": reply.state,
        "error": reply.error or None,
        "model": reply.model,
        "usage": {
            "prompt_tokens": reply.prompt_tokens or 0,
            "completion_tokens": reply.new_tokens or 0,
        },
        "is_length_limited": reply.is_length_limited,
        "text": text[:most],
        "is_text_cut": len(text) > most,
    }


def _iso_time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
