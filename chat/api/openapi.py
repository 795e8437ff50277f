"""The OpenAPI document: what django-ninja makes of the calls, and what it cannot know.

That is who may call, headers, and errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from chat.api.access import Access
from chat.api.native import api
from chat.api.schemas import Problem
from chat.http.api_errors import PROBLEM_TYPE

DESCRIPTION = (
    "Send messages, read the replies, and work with conversations, as a user of this"
    " site.\n\n"
    "Use an API key, or the cookies that the first answer sets. A call that changes"
    " something may carry an Idempotency-Key, and can then be sent again safely."
    " Programs that speak OpenAI's API use the address /v1/ instead, which is not"
    " described here: it behaves as OpenAI's reference says."
)
SCOPES = {"can_chat": "sends messages", "can_read_history": "reads conversations"}
PROBLEM = {
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
}
ERRORS = {
    "4XX": {"description": "The call is refused.", **PROBLEM},
    "429": {
        "description": "A limit is reached.",
        "headers": {
            "Retry-After": {
                "description": "After so many seconds it may succeed.",
                "required": True,
                "schema": {"type": "integer", "minimum": 0},
            }
        },
        **PROBLEM,
    },
    "5XX": {"description": "The server failed, or is busy.", **PROBLEM},
}
LOCATION = {
    "Location": {
        "description": "The URL of what was made.",
        "required": True,
        "schema": {"type": "string", "format": "uri"},
    }
}
ETAG = {
    "ETag": {
        "description": "Names this state of the reply.",
        "required": True,
        "schema": {"type": "string"},
    }
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Requests with the same key are carried out once.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag of an earlier answer; 304 if nothing has changed since.",
    "schema": {"type": "string"},
}
#: Calls whose answer has the URL of something that was made.
MAKING = {
    *("messages", "send_version", "retry", "vary", "repeat", "resume", "make"),
    "make_webhook",
    "make_import",
}


@require_safe
def openapi(_request: HttpRequest) -> JsonResponse:
    """Return the document."""
    return JsonResponse(document())


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    prefix = reverse("api:openapi").removesuffix("openapi.json")
    made = OpenAPISchema(api, prefix)
    for operation, described in _operations(made):
        _complete(operation, described)
    schemas = {**made["components"]["schemas"], "Problem": Problem.model_json_schema()}
    return {
        **made,
        "info": {"title": "chatsite", "version": "1", "description": DESCRIPTION},
        # A new guest needs neither.
        "security": [{"key": []}, {"cookies": []}, {}],
        "components": {"schemas": schemas, "securitySchemes": _security_schemes()},
    }


def _security_schemes() -> dict[str, Any]:
    return {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "cookies": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of a guest or of an account.",
        },
    }


def _operations(made: OpenAPISchema) -> Iterator[tuple[Operation, dict[str, Any]]]:
    described = {
        one["operationId"]: one
        for methods in made["paths"].values()
        for one in methods.values()
    }
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                yield operation, described[api.get_openapi_operation_id(operation)]


def _complete(operation: Operation, described: dict[str, Any]) -> None:
    """Add to the description of an operation."""
    first, _, rest = operation.signature.docstring.partition("\n")
    described["summary"] = first.rstrip(".")
    described["description"] = " ".join(
        filter(None, (rest.strip().replace("``", "`"), _scopes(operation)))
    )
    responses = {str(status): one for status, one in described["responses"].items()}
    name = operation.view_func.__name__
    for status, response in responses.items():
        if name in MAKING:
            response["headers"] = LOCATION
        elif name == "reply" and status in ("200", "304"):
            response["headers"] = ETAG
    described["responses"] = {**responses, **ERRORS}
    if operation.methods == ["POST"] and name != "stop":
        described["parameters"].append(IDEMPOTENCY_KEY)
    if name == "reply":
        described["parameters"].append(IF_NONE_MATCH)


def _scopes(operation: Operation) -> str:
    access = operation.auth_callbacks[0]
    if not isinstance(access, Access) or not access.scopes:
        return "Every API key may do this."
    scopes = " or ".join(SCOPES[scope] for scope in access.scopes)
    return f"An API key may do this that {scopes}."
