"""Where every path begins."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("chat.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("chat.urls")),
]
