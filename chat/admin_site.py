"""Django's admin site, with this site's name."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods


class ChatAdminSite(AdminSite):
    """The admin without side bar and without links to public pages."""

    site_header = site_title = "chatsite"
    #: Lists are wide; the first page names all of them.
    enable_nav_sidebar = False

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the log-in form; other methods than GET, HEAD and POST are refused."""
        return super().login(request, extra_context)

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Read the whole request first: a broken one must not log the user out."""
        for asked in (request.GET, request.POST):
            asked.get("next")
        return super().logout(request, extra_context)

    def get_urls(self) -> list[Any]:
        """Return the URLs without the link to a public page, which no row has."""
        return [url for url in super().get_urls() if _name(url) != "view_on_site"]


def _name(url: Any) -> str | None:
    return getattr(url, "name", None)
