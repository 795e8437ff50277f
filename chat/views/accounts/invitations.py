"""The page for staff that makes, lists and revokes invitations."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from chat.accounts.invitations import create_invitation
from chat.accounts.site_url import absolute_url
from chat.forms.accounts import InviteForm
from chat.models import Invitation, User
from chat.views.accounts.decorators import inviter_required, redirect_to

#: Session key of a new link, which the next page shows once.
LINK_SESSION_KEY = "invitation_link"
ROWS_MAX = 100


class InvitationsContext(TypedDict):
    """For ``accounts/invitations.html``."""

    form: InviteForm
    #: A new link, shown once; empty otherwise.
    link: str
    rows: QuerySet[Invitation]
    now: datetime
    signup: str


@require_http_methods(["GET", "HEAD", "POST"])
@inviter_required
def invitations(request: HttpRequest, user: User) -> HttpResponse:
    """List invitations, or make one and show its link once."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _, path = create_invitation(
            user, form.cleaned_data["note"], form.cleaned_data["days"]
        )
        request.session[LINK_SESSION_KEY] = absolute_url(path, request)
        return redirect_to("invitations")
    rows = Invitation.objects.select_related("used_by", "created_by")[:ROWS_MAX]
    context: InvitationsContext = {
        "form": form,
        "link": ""
        if request.method == "HEAD"
        else request.session.pop(LINK_SESSION_KEY, ""),
        "rows": rows,
        "now": timezone.now(),
        "signup": settings.SIGNUP,
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/invitations.html", context, status=status)


@require_POST
@inviter_required
def revoke(_request: HttpRequest, _user: User, pk: UUID) -> HttpResponse:
    """Remove an invitation that was not used."""
    Invitation.objects.filter(pk=pk, used_at=None).delete()
    return redirect_to("invitations")
