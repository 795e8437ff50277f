"""The API as django-ninja serves and describes it."""

from __future__ import annotations

from ninja import NinjaAPI
from ninja.operation import Operation

from chat.api import (
    allowances,
    conversation_keeping,
    conversations,
    exports,
    imports,
    messages,
    presets,
    read_reply,
    ready_mail,
    replies,
    search,
    settings,
    shared_links,
    site_status,
    turns,
    webhooks,
)
from chat.api.errors import JsonParser, handle_errors


class NativeAPI(NinjaAPI):
    """An API whose operations are named after their views."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the view, which no other view has."""
        return operation.view_func.__name__


api = NativeAPI(
    title="chatsite",
    version="1",
    urls_namespace="api",
    parser=JsonParser(),
    # Both are served by views of our own.
    openapi_url=None,
    docs_url=None,
)
handle_errors(api)
for module in (
    conversations,
    conversation_keeping,
    exports,
    imports,
    messages,
    turns,
    read_reply,
    replies,
    settings,
    ready_mail,
    presets,
    shared_links,
    search,
    allowances,
    webhooks,
    site_status,
):
    api.add_router("", module.router)
