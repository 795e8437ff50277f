"""What a webhook is sent, built from the row of what ended at each try."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from chat.models import Batch, Reply, WebhookDelivery


def body_of(delivery: WebhookDelivery) -> bytes:
    """The JSON of one delivery; each try sends the same, since what ended stays."""
    ended_at, data = delivery.created_at, {}
    if (reply := delivery.reply) is not None:
        ended_at, data = reply.finished_at or ended_at, _reply_data(reply)
    elif (batch := delivery.batch) is not None:
        data = _batch_data(batch)
    content = {"type": delivery.type, "timestamp": _iso_time(ended_at), "data": data}
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


def _batch_data(batch: Batch) -> dict[str, Any]:
    """What a batch came to, as the API for clients of OpenAI says it."""
    return {
        "id": f"batch_{batch.pk.hex}",
        "status": batch.status,
        "request_counts": {
            "total": batch.total,
            "completed": batch.completed,
            "failed": batch.failed,
        },
    }


def _iso_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
