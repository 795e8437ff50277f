"""Downloads all data that the site keeps of a user, or all conversations, as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.accounts.data_export import export_user
from chat.accounts.guests import current_guest
from chat.http.downloads import archive_response
from chat.models import User
from chat.views.accounts.decorators import current_account, redirect_to_log_in


@never_cache
@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """Stream the JSON document of ``export_user`` for the account or guest."""
    user = _visitor(request)
    if user is None:
        return redirect_to_log_in(request)
    name = f"chatsite-{timezone.localdate():%Y-%m-%d}.json"
    response = StreamingHttpResponse(export_user(user), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@never_cache
@require_safe
def download_conversations(request: HttpRequest) -> HttpResponseBase:
    """Stream all conversations as an archive that another account can import."""
    user = _visitor(request)
    if user is None:
        return redirect_to_log_in(request)
    return archive_response(user.pk)


def _visitor(request: HttpRequest) -> User | None:
    return current_account(request) or current_guest(request)
