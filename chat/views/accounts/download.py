"""Everything that is kept of somebody, as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.accounts.data_export import export
from chat.accounts.guests import guest_here
from chat.views.accounts.decorators import account_of, to_log_in


@never_cache
@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    user = account_of(request) or guest_here(request)
    if user is None:
        return to_log_in(request)
    name = f"chatsite-{timezone.localdate():%Y-%m-%d}.json"
    response = StreamingHttpResponse(export(user), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
