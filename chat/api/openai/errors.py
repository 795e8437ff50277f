"""Errors as clients of OpenAI read them.

Source: the error object of OpenAI's API reference, and what its Python client does:
status 400 for every refusal, since 408, 409, 429 and 5xx are sent again.
"""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse
from django.utils.functional import Promise

from chat.http.api_errors import ApiError

#: Clients sleep as long as they are told. For longer waits they are told not to.
RETRY_SECONDS_MAX = 60
#: Refusals that clients know by their status; all others are a 400.
KEPT = (401, 403, 404, 413, 429)


class OpenAIError(Exception):
    """An error answer: status, message, and the parameter and code it is about."""

    def __init__(
        self,
        status: int,
        message: str | Promise,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return ``{"error": {"message", "type", "param", "code"}}``."""
        return {
            "error": {
                "message": str(self.message),
                "type": _type(self.status),
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> JsonResponse:
        """Return the answer."""
        return JsonResponse(self.body(), status=self.status, headers=self.headers)


def _type(status: int) -> str:
    match status:
        case 401:
            return "authentication_error"
        case 403:
            return "permission_error"
        case 404:
            return "not_found_error"
        case 429:
            return "rate_limit_error"
    return "invalid_request_error" if status < 500 else "server_error"


def bad(param: str, message: str, code: str = "invalid_value") -> OpenAIError:
    """Return the error for a parameter with a wrong value."""
    return OpenAIError(400, message, code=code, param=param)


def unsupported(param: str) -> OpenAIError:
    """Return the error for a parameter that cannot be honoured."""
    message = f"{param} is not supported here. Leave it out."
    return bad(param, message, "unsupported_parameter")


def too_long(limit: int, *, tokens: int = 0, at_least: int = 0) -> OpenAIError:
    """Return the error for a prompt that does not fit.

    ``tokens`` is its length, ``at_least`` a lower bound; 0 is unknown.
    """
    # LiteLLM recognises the error by its first words.
    said = f"This model's maximum context length is {limit} tokens."
    if tokens:
        said += (
            f" Your messages have {tokens} tokens, and the reply needs some as well."
        )
    elif at_least > limit:
        said += f" Your messages have more than {at_least} tokens."
    said += " Shorten them, or leave out the oldest."
    return OpenAIError(400, said, code="context_length_exceeded", param="messages")


def of_known(error: ApiError) -> OpenAIError:
    """Return an error of all calls as clients of OpenAI read it."""
    is_kept = error.status in KEPT or error.status >= 500
    retry = error.headers.get("Retry-After", "0")
    return OpenAIError(
        error.status if is_kept else 400,
        error.message,
        code=error.code,
        param=error.parameter,
        headers=error.headers | _retry_headers(int(retry)),
    )


def try_later(status: int, message: str, code: str, seconds: int) -> OpenAIError:
    """Return an error after which the same call may succeed in so many seconds."""
    headers = {"Retry-After": str(seconds)} | _retry_headers(seconds)
    return OpenAIError(status, message, code=code, headers=headers)


def _retry_headers(seconds: int) -> dict[str, str]:
    return {"x-should-retry": "false"} if seconds > RETRY_SECONDS_MAX else {}
