"""The pages on which owners make, list, renew and revoke shared links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from chat.accounts.site_url import absolute_url
from chat.forms.once import id_of, make_once
from chat.forms.sharing import ShareForm
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import owner_id
from chat.models import Conversation, SharedLink
from chat.services.errors import MessageRefused
from chat.services.sharing import links

#: What was just done, by the parameter in the address of the page.
NOTES = {
    "made": gettext_lazy("The link is ready. Everyone who has it can read the copy."),
    "renewed": gettext_lazy("The copy shows the conversation as it is now."),
    "moved": gettext_lazy(
        "The copy shows the conversation as it is now, at a new address."
    ),
    "revoked": gettext_lazy("The link was revoked, and its copy erased."),
}


@dataclass(frozen=True, slots=True)
class ListedLink:
    """A shared link in a list, for ``sharing/_link.html``."""

    link: SharedLink
    #: What is passed on.
    address: str


class LinksContext(TypedDict):
    """For ``sharing/_links.html``."""

    rows: list[ListedLink]
    notes: list[str | Promise]
    #: Why something was refused; empty while nothing was.
    error: str
    #: Whether the site shares: otherwise links can only be revoked.
    is_on: bool


class ShareContext(LinksContext):
    """For ``sharing/share.html``."""

    conversation: Conversation
    form: ShareForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the links of a conversation, or freeze it behind another one."""
    if not links.is_on():
        raise Http404
    conversation = get_conversation_or_404(owner_id(request), pk)
    if request.method != "POST":
        return _share_page(request, conversation, ShareForm())
    form = ShareForm(request.POST)
    if not form.is_valid():
        return _share_page(request, conversation, form)
    # By what was chosen: the end of a link that expires counts from now.
    chosen = sorted(form.cleaned_data.items())
    link, made = id_of(form.cleaned_data["id"], pk, chosen), form.link_fields()
    try:
        make_once(
            SharedLink, link, lambda: links.make_link(conversation, pk=link, **made)
        )
    except MessageRefused as refused:
        form.add_error(None, refused.bare_message)
        return _share_page(request, conversation, form)
    return _redirect(reverse("share", args=[pk]), "made")


@never_cache
@require_safe
def shared_links(request: HttpRequest) -> HttpResponse:
    """List all links of the visitor."""
    return render(request, "sharing/links.html", _list_context(request))


@never_cache
@require_POST
def renew_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Freeze the conversation again; ``new_address`` also changes the address."""
    link = _link_or_404(request, pk)
    if not links.is_on():
        raise Http404
    has_new_address = "new_address" in request.POST
    try:
        links.renew(link, has_new_address=has_new_address)
    except MessageRefused as refused:
        context = _list_context(request, refused.bare_message)
        return render(request, "sharing/links.html", context, status=422)
    return _redirect(_page_of(request, link), "moved" if has_new_address else "renewed")


@never_cache
@require_POST
def revoke_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Erase a link and its copy."""
    link = _link_or_404(request, pk)
    links.revoke(link)
    return _redirect(_page_of(request, link), "revoked")


def _link_or_404(request: HttpRequest, pk: UUID) -> SharedLink:
    """A link of the visitor's that opens."""
    owner = owner_id(request)
    found = links.links_of(owner).filter(pk=pk).first() if owner else None
    if found is None:
        raise Http404
    return found


def _page_of(request: HttpRequest, link: SharedLink) -> str:
    """The page that shows a link and on which a button was pressed."""
    if "here" in request.POST and links.is_on():
        return reverse("share", args=[link.conversation_id])
    return reverse("shared_links")


def _redirect(page: str, note: str) -> HttpResponse:
    return HttpResponseRedirect(f"{page}?{note}", status=303)


def _share_page(
    request: HttpRequest, conversation: Conversation, form: ShareForm
) -> HttpResponse:
    context: ShareContext = {
        **_list_context(request, conversation=conversation),
        "conversation": conversation,
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "sharing/share.html", context, status=status)


def _list_context(
    request: HttpRequest, error: str = "", conversation: Conversation | None = None
) -> LinksContext:
    """The links of the visitor, or of one conversation of theirs."""
    owner = owner_id(request)
    found = links.links_of(owner) if owner else SharedLink.objects.none()
    if conversation is not None:
        found = found.filter(conversation=conversation)
    return {
        "rows": [_listed(request, link) for link in found],
        "notes": [note for name, note in NOTES.items() if name in request.GET],
        "error": error,
        "is_on": links.is_on(),
    }


def _listed(request: HttpRequest, link: SharedLink) -> ListedLink:
    path = reverse("shared", args=[link.secret])
    return ListedLink(link, absolute_url(path, request))
