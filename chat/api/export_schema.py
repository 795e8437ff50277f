"""The JSON schema of exported conversations."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from chat.api.export_data import ExportedConversation


def schema() -> dict[str, Any]:
    """The schema, as ``docs/chatsite-export.schema.json`` has it."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **ExportedConversation.model_json_schema()}


@require_safe
def export_schema(_request: HttpRequest) -> JsonResponse:
    """Return the schema."""
    return JsonResponse(schema(), json_dumps_params={"indent": 1})
