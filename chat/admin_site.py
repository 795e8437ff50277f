"""The admin of this site."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods


class Site(AdminSite):
    site_header = site_title = "chatsite"
    #: Lists are wide; the first page names all of them.
    enable_nav_sidebar = False

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().login(request, extra_context)

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Reads all of a request first: one that cannot be read logs nobody out."""
        for asked in (request.GET, request.POST):
            asked.get("next")
        return super().logout(request, extra_context)

    def get_urls(self) -> list[Any]:
        """Without the way from a row to its public page: nothing here has one."""
        return [url for url in super().get_urls() if _name(url) != "view_on_site"]


def _name(url: Any) -> str | None:
    return getattr(url, "name", None)
