"""The page of an account that sends, shows and ends batches."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, cast
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from chat.forms.batches import BatchForm
from chat.models import Batch, User
from chat.services.batches.batches import (
    CHAT,
    ENDPOINTS,
    BatchRequest,
    begin_batch,
    cancel_batch,
    delete_batch,
)
from chat.services.batches.files import content_of, save_file
from chat.services.errors import MessageRefused
from chat.views.accounts.decorators import (
    account_required,
    answer_to_guest,
    current_account,
    redirect_to,
)
from chat.wording.batches import refusal_text, status_text
from chatsite.model_choice import model_entry

ROWS_MAX = 100
ERRORS_SHOWN = 3
#: How much of a file is read to find out what its lines ask for.
FIRST_LINE_BYTES = 65_536
#: What was just done, by the parameter in the address of the page.
NOTES = {
    "begun": gettext_lazy(
        "The file was sent. Its lines are answered behind all messages."
    ),
    "cancelled": gettext_lazy("The batch is being cancelled. Its answers are kept."),
    "deleted": gettext_lazy("The batch and its files were deleted."),
}


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch in the list, for ``batches/_batch.html``."""

    batch: Batch
    name: str
    status: str
    #: Why the file was refused.
    refusals: list[str]


class BatchesContext(TypedDict):
    """For ``batches/batches.html``."""

    #: The model that the example names.
    model_name: str
    #: None for a guest, and where there are no batches.
    form: BatchForm | None
    is_account: bool
    rows: list[ListedBatch]
    now: datetime
    notes: list[str | Promise]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def batches(request: HttpRequest) -> HttpResponse:
    """List the batches of an account, or begin one with the file of the form."""
    user = current_account(request)
    if user is None:
        return answer_to_guest(request, _page)
    if request.method != "POST":
        return _page(request, user, BatchForm())
    form = BatchForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            _begin(user, form.cleaned_data["file"])
        except MessageRefused as refused:
            form.add_error("file", refused.bare_message)
    return (
        _page(request, user, form) if form.errors else redirect_to("batches", "begun")
    )


@require_safe
@account_required
def batch(request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Show one batch as the list does, for the script that asks how far it is."""
    row = _listed(_of_owner(user, pk))
    if not getattr(request, "htmx", None):
        return redirect_to("batches")
    return render(request, "batches/_batch.html", {"row": row, "now": timezone.now()})


@require_POST
@account_required
def cancel(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """End a batch with what is answered; harmless to repeat."""
    cancel_batch(_of_owner(user, pk))
    return redirect_to("batches", "cancelled")


@require_POST
@account_required
def delete(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Delete a batch that is over, with its files."""
    try:
        delete_batch(_of_owner(user, pk))
    except MessageRefused:
        return redirect_to("batches")
    return redirect_to("batches", "deleted")


@require_safe
@account_required
def output(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Download the answers, or what was not answered, as JSON lines."""
    return _download(_of_owner(user, pk), "output_file")


@require_safe
@account_required
def errors(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Download the lines that were not answered, as JSON lines."""
    return _download(_of_owner(user, pk), "error_file")


def _download(batch: Batch, field: str) -> HttpResponse:
    file = getattr(batch, field)
    if file is None:
        raise Http404
    answer = StreamingHttpResponse(content_of(file), content_type="application/jsonl")
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return cast("HttpResponse", answer)  # a view may return either


@transaction.atomic
def _begin(user: User, file: UploadedFile[Any]) -> None:
    """Raises ``MessageRefused``."""
    kept = save_file(user, file.name or "", file.size or 0, file.chunks())
    begin_batch(user, BatchRequest(kept, _endpoint_of(file)))


def _endpoint_of(file: UploadedFile[Any]) -> str:
    """What the first line of a file asks for; a wrong line is refused later."""
    file.seek(0)
    first = file.read(FIRST_LINE_BYTES).lstrip().partition(b"\n")[0]
    try:
        url = json.loads(first)["url"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return CHAT
    return url if url in ENDPOINTS else CHAT


def _page(
    request: HttpRequest, user: User | None = None, form: BatchForm | None = None
) -> HttpResponse:
    context: BatchesContext = {
        "model_name": model_entry().name,
        "form": form if settings.BATCHES_MAX else None,
        "is_account": user is not None,
        "rows": _rows(user) if user else [],
        "now": timezone.now(),
        "notes": [note for name, note in NOTES.items() if name in request.GET],
    }
    status = 422 if form and form.errors else 200
    return render(request, "batches/batches.html", context, status=status)


def _rows(user: User) -> list[ListedBatch]:
    found = user.batches.select_related("input_file", "output_file", "error_file")
    return [_listed(batch) for batch in found[:ROWS_MAX]]


def _listed(batch: Batch) -> ListedBatch:
    file = batch.input_file
    return ListedBatch(
        batch,
        name=f"batch_{batch.pk.hex}" if file is None else file.name,
        status=status_text(batch.status),
        refusals=[refusal_text(error) for error in batch.errors[:ERRORS_SHOWN]],
    )


def _of_owner(user: User, pk: UUID) -> Batch:
    rows = Batch.objects.select_related("input_file", "output_file", "error_file")
    found = rows.filter(owner=user, pk=pk).first()
    if found is None:
        raise Http404
    return found
