"""The pages of an account that import conversations from files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID, uuid4

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from chat.forms.imports import ImportForm
from chat.forms.once import id_of, make_once
from chat.models import ConversationImport, ImportEntry, ImportStatus, User
from chat.models.conversation_import import RUNNING
from chat.services.errors import MessageRefused
from chat.services.imports.imports import begin_import, confirm_import, delete_import
from chat.services.imports.summary import ImportSummary, states_of, summary_of
from chat.views.accounts.decorators import (
    account_required,
    answer_to_guest,
    current_account,
    redirect_to,
)
from chat.wording.imports import (
    SOURCES,
    entry_text,
    lost_texts,
    refusal_text,
    status_text,
)

ROWS_MAX = 100
#: Conversations that the page lists.
ENTRIES_SHOWN = 300
NOTES = {"deleted": gettext_lazy("The import was deleted. What it brought stays.")}


@dataclass(frozen=True, slots=True)
class ListedImport:
    """An import in the list."""

    of_import: ConversationImport
    status: str


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """A conversation of an import."""

    entry: ImportEntry
    state: str
    source: str
    lost: str


class ImportsContext(TypedDict):
    """For ``imports/imports.html``."""

    #: None for a guest, and where there are no imports.
    form: ImportForm | None
    is_account: bool
    rows: list[ListedImport]
    notes: list[str | Promise]


class ImportContext(TypedDict):
    """For ``imports/import.html`` and ``_import.html``."""

    of_import: ConversationImport
    status: str
    refusal: str
    is_running: bool
    can_confirm: bool
    #: How far reading is, in percent.
    percent: int
    summary: ImportSummary
    lost: list[str]
    entries: list[ListedEntry]
    #: How many more conversations there are.
    more: int


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """List the imports of an account, or begin one with the file of the form."""
    user = current_account(request)
    if user is None:
        return answer_to_guest(request, _page)
    if request.method != "POST":
        return _page(request, user, ImportForm())
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        file, given = form.cleaned_data["file"], form.cleaned_data["id"] or uuid4()
        name, size = file.name or "", file.size or 0
        pk = id_of(given, user.pk, name, size)
        try:
            make_once(
                ConversationImport,
                pk,
                lambda: begin_import(user, name, size, file.chunks(), pk),
            )
            return redirect("import", pk)
        except MessageRefused as refused:
            form.add_error("file", refused.bare_message)
    return _page(request, user, form)


@require_safe
@account_required
def show_import(request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Show what is in a file and what became of it; to a script only that part."""
    is_part = bool(getattr(request, "htmx", None))
    template = "imports/_import.html" if is_part else "imports/import.html"
    return render(request, template, _context(_of_owner(user, pk)))


@require_POST
@account_required
def confirm(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Have the conversations stored; harmless to repeat."""
    confirm_import(_of_owner(user, pk))
    return redirect("import", pk)


@require_POST
@account_required
def delete(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Delete an import with its file; conversations that came stay."""
    delete_import(_of_owner(user, pk))
    return redirect_to("imports", "deleted")


def _page(
    request: HttpRequest, user: User | None = None, form: ImportForm | None = None
) -> HttpResponse:
    rows = list(user.imports.all()[:ROWS_MAX]) if user else []
    states = states_of(rows)
    context: ImportsContext = {
        "form": form if settings.IMPORTS_MAX else None,
        "is_account": user is not None,
        "rows": [
            ListedImport(one, status_text(one.status, states[one.pk])) for one in rows
        ],
        "notes": [note for name, note in NOTES.items() if name in request.GET],
    }
    status = 422 if form and form.errors else 200
    return render(request, "imports/imports.html", context, status=status)


def _context(of_import: ConversationImport) -> ImportContext:
    summary = summary_of(of_import)
    shown = of_import.entries.defer("content")[:ENTRIES_SHOWN]
    return {
        "of_import": of_import,
        "status": status_text(of_import.status, summary.states),
        "refusal": refusal_text(of_import.error),
        "is_running": of_import.status in RUNNING,
        "can_confirm": of_import.status == ImportStatus.READY,
        "percent": min(100, of_import.read_bytes * 100 // of_import.size_bytes),
        "summary": summary,
        "lost": list(lost_texts(summary.left_out)),
        "entries": [_listed(entry) for entry in shown],
        "more": max(0, summary.conversations - ENTRIES_SHOWN),
    }


def _listed(entry: ImportEntry) -> ListedEntry:
    return ListedEntry(
        entry,
        entry_text(entry.state),
        SOURCES.get(entry.source, entry.source),
        ", ".join(lost_texts(entry.left_out)),
    )


def _of_owner(user: User, pk: UUID) -> ConversationImport:
    found = user.imports.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
