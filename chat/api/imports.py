"""API calls for imports: send a file, see what is in it, and have it stored."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import File, Router
from ninja.files import UploadedFile

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.cursors import Cursor
from chat.api.errors import BAD_CURSOR
from chat.api.idempotency_header import idempotency_key
from chat.api.import_data import (
    DeletedImportData,
    ImportData,
    ImportedConversationPage,
    ImportList,
    serialize_entry,
    serialize_import,
)
from chat.api.key_access import OF_ACCOUNT
from chat.api.serializers import next_url
from chat.http.api_errors import ApiError
from chat.http.request import visitor
from chat.models import ConversationImport, User
from chat.services.imports import imports as service
from chat.services.row_once import row_once

router = Router(tags=["Import"])
MAY_READ = Access("can_read_history")
MAY_CHANGE = Access("can_chat", own_by=OF_ACCOUNT)
IMPORTS_SHOWN = 50
ENTRIES_PER_PAGE = 100
ACCOUNT_NEEDED = ApiError(
    403,
    "account_needed_to_import",
    _("Guests cannot import. Use a key or the cookies of an account."),
)


@router.get("/imports", auth=MAY_READ, response=ImportList)
def list_imports(request: HttpRequest) -> HttpResponse:
    """List the newest imports of the account."""
    found = _account(request).imports.all()[:IMPORTS_SHOWN]
    return answer(ImportList(imports=[serialize_import(request, one) for one in found]))


@router.post("/imports", auth=MAY_CHANGE, response={201: ImportData})
def make_import(
    request: HttpRequest, file: File[UploadedFile | None] = None
) -> HttpResponse:
    """Send a file with conversations. It is read first, and stored once confirmed."""
    owner, key = _account(request), idempotency_key(request)
    name, size = (file.name or "", file.size or 0) if file else ("", 0)
    chunks = file.chunks() if file else ()
    made = row_once(
        ConversationImport,
        owner,
        key,
        lambda pk: service.begin_import(owner, name, size, chunks, pk),
        lambda earlier: earlier.size_bytes == size,
    )
    data = serialize_import(request, made)
    return answer(data, 201, {"Location": data.url})


@router.get("/imports/{uuid:pk}", auth=MAY_READ, response=ImportData)
def show_import(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read how far an import is, and what it brings."""
    return answer(serialize_import(request, _import(request, pk)))


@router.get(
    "/imports/{uuid:pk}/conversations",
    auth=MAY_READ,
    response=ImportedConversationPage,
)
def imported_conversations(
    request: HttpRequest, pk: UUID, cursor: Cursor
) -> HttpResponse:
    """List the conversations of a file, and what becomes of each."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise BAD_CURSOR
    rows = _import(request, pk).entries.filter(number__gt=int(cursor or 0))
    found = list(rows.defer("content")[: ENTRIES_PER_PAGE + 1])
    shown = found[:ENTRIES_PER_PAGE]
    has_more = len(found) > ENTRIES_PER_PAGE
    more = next_url(request, cursor=str(shown[-1].number)) if has_more else None
    listed = [serialize_entry(entry) for entry in shown]
    return answer(ImportedConversationPage(conversations=listed, next=more))


@router.post("/imports/{uuid:pk}/confirm", auth=MAY_CHANGE, response={202: ImportData})
def confirm_import(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have the conversations stored that are new. Harmless to repeat."""
    found = _import(request, pk)
    if not service.confirm_import(found):
        found.refresh_from_db()
    return answer(serialize_import(request, found), 202)


@router.post("/imports/{uuid:pk}/delete", auth=MAY_CHANGE, response=DeletedImportData)
def delete_import(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete an import with its file. What it has stored stays."""
    service.delete_import(_import(request, pk))
    return answer(DeletedImportData(id=pk, deleted=True))


def _account(request: HttpRequest) -> User:
    user = visitor(request)
    if not isinstance(user, User) or user.is_guest:
        raise ACCOUNT_NEEDED
    return user


def _import(request: HttpRequest, pk: UUID) -> ConversationImport:
    user = visitor(request)
    found = user.imports.filter(pk=pk).first() if isinstance(user, User) else None
    if found is None:
        raise Http404
    return found
