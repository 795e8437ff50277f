"""Deleting all conversations, once asked whether that is meant."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.models import Conversation
from chat.services import conversation_deletion
from chat.views.browser import owner_id
from chat.views.undo import DELETED


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete_all(request: HttpRequest) -> HttpResponse:
    owner = owner_id(request)
    if request.method != "POST":
        count = Conversation.objects.there().filter(owner_id=owner).count()
        return render(request, "delete_all.html", {"count": count if owner else 0})
    deleted = conversation_deletion.delete_all(owner) if owner else None
    note = f"?{DELETED}={deleted.pk}" if deleted else ""
    return HttpResponseRedirect(reverse("home") + note, status=303)
