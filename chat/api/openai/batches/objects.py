"""The objects of files and batches, as clients of OpenAI read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chat.api.openai.errors import OpenAIError
from chat.models import Batch, BatchFile
from chat.models.batch import TIME_OF

FILE_PREFIX, BATCH_PREFIX = "file-", "batch_"


def file_id(pk: UUID | None) -> str | None:
    """Return the id of a file."""
    return None if pk is None else f"{FILE_PREFIX}{pk.hex}"


def batch_id(batch: Batch) -> str:
    """Return the id of a batch."""
    return f"{BATCH_PREFIX}{batch.pk.hex}"


def read_id(text: Any, prefix: str) -> UUID:
    """Return the key of a row. Raises ``OpenAIError`` for what is no id."""
    try:
        return UUID(text.removeprefix(prefix))
    except (AttributeError, ValueError):
        raise not_found(prefix) from None


def not_found(prefix: str) -> OpenAIError:
    """Return the error for what does not exist or belongs to another account."""
    what = "file" if prefix == FILE_PREFIX else "batch"
    return OpenAIError(404, f"There is no such {what}.", code=f"{what}_not_found")


def file_data(file: BatchFile) -> dict[str, Any]:
    """Return the object of a file."""
    return {
        "id": file_id(file.pk),
        "object": "file",
        "bytes": file.size_bytes,
        "created_at": _stamp(file.created_at),
        "expires_at": _stamp(file.expires_at),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
    }


def batch_data(batch: Batch) -> dict[str, Any]:
    """Return the object of a batch."""
    errors = {"object": "list", "data": batch.errors} if batch.errors else None
    return {
        "id": batch_id(batch),
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": errors,
        "input_file_id": file_id(batch.input_id),
        "completion_window": batch.completion_window,
        "status": batch.status,
        "output_file_id": file_id(batch.output_file_id),
        "error_file_id": file_id(batch.error_file_id),
        "created_at": _stamp(batch.created_at),
        "expires_at": _stamp(batch.expires_at),
        **{name: _stamp(getattr(batch, name)) for name in TIME_OF.values()},
        "request_counts": {
            "total": batch.total,
            "completed": batch.completed,
            "failed": batch.failed,
        },
        "metadata": batch.metadata,
    }


def list_data(data: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Return the object of one page of a list."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def _stamp(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())
