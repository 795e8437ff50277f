"""Answers of the API as JSON.

Views return them whole: django-ninja would validate the same data once more.
"""

from __future__ import annotations

from django.http import HttpResponse
from pydantic import BaseModel


def answer(
    data: BaseModel, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return data as it is described by the schema that it is made of."""
    content = data.model_dump_json()
    return HttpResponse(content, "application/json", status, headers=headers)
