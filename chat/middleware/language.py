"""Answers each request in the language of its page, its visitor or its browser."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from chat.http.language import language_of


class LanguageMiddleware:
    """Django's ``LocaleMiddleware`` without languages in URLs, which the site lacks.

    Looking for one in each path would take most of its time. What is answered outside
    of it is in English, not in the language of the request before.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the language of its visitor."""
        language = language_of(request)
        request.LANGUAGE_CODE = language
        with translation.override(language):
            response = self._get_response(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", language)
        return response
