"""The root of all URL paths."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

handler400 = "chat.views.errors.bad_request"
handler404 = "chat.views.errors.page_not_found"
handler500 = "chat.views.errors.server_error"
urlpatterns = [
    path("v1/", include("chat.api.openai.urls")),
    path("api/v1/", include("chat.api.urls")),
    path("account/", include("chat.views.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("chat.urls")),
]
