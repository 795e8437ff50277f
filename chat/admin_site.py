"""The admin of this site."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite


class Site(AdminSite):
    site_header = site_title = "chatsite"
    #: Lists are wide; the first page names all of them.
    enable_nav_sidebar = False

    def get_urls(self) -> list[Any]:
        """Without the way from a row to its public page: nothing here has one."""
        return [url for url in super().get_urls() if _name(url) != "view_on_site"]


def _name(url: Any) -> str | None:
    return getattr(url, "name", None)
