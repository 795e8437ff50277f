"""Files and batches: sent, listed, read, cancelled and deleted with a key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase

from chat.api.idempotency_header import idempotency_key
from chat.api.openai.batches.lists import list_page
from chat.api.openai.batches.objects import (
    BATCH_PREFIX,
    FILE_PREFIX,
    batch_data,
    file_data,
    file_id,
    not_found,
    read_id,
)
from chat.api.openai.decorators import by_method, json_object, openai_call
from chat.api.openai.errors import OpenAIError, bad
from chat.api.openai.messages import is_text
from chat.api.openai.parameters import refuse_unknown
from chat.models import ApiKey, Batch, BatchFile, Purpose
from chat.services.batches.batches import (
    ENDPOINTS,
    BatchRequest,
    begin_batch,
    cancel_batch,
    window_hours,
)
from chat.services.batches.files import (
    content_of,
    delete_file,
    is_content_of,
    save_file,
)
from chat.services.row_once import row_once

#: Raised for a body that is no form, or none that can be read.
WRONG_FORMS = (BadRequest, LookupError, MultiPartParserError)
#: What the form of a file and the body of a batch may have.
CHOSEN = ("endpoint", "completion_window", "metadata")
OF_FILE = frozenset(("purpose", "file"))
OF_BATCH = frozenset(("input_file_id", *CHOSEN))
#: What surrounds the file in its request.
FORM_BYTES = 65_536
#: The limits of OpenAI's API reference on what a client notes on a batch.
METADATA_MAX, METADATA_NAME, METADATA_VALUE = 16, 64, 512


@openai_call("GET", "can_batch")
def list_files(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """List the files of the account."""
    rows = BatchFile.objects.filter(owner=key.owner)
    if purpose := request.GET.get("purpose"):
        if not is_text(purpose):
            raise bad("purpose", "purpose must be a text without control characters.")
        rows = rows.filter(purpose=purpose)
    return list_page(request, rows, FILE_PREFIX, file_data)


@openai_call("POST", "can_batch")
def send_file(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """Keep a file of calls."""
    once, found = idempotency_key(request), _file_of_form(request)
    name, size = found.name or "batch.jsonl", found.size or 0
    file = row_once(
        BatchFile,
        key.owner,
        once,
        lambda pk: save_file(key.owner, name, size, found.chunks(), pk),
        lambda earlier: is_content_of(earlier, name, size, found.chunks()),
    )
    return JsonResponse(file_data(file))


@openai_call("GET", "can_batch")
def read_file(_request: HttpRequest, key: ApiKey, pk: str) -> HttpResponseBase:
    """Return one file."""
    return JsonResponse(file_data(_file(key, pk)))


@openai_call("DELETE", "can_batch")
def remove_file(_request: HttpRequest, key: ApiKey, pk: str) -> HttpResponseBase:
    """Delete one file."""
    file = _file(key, pk)
    answer = {"id": file_id(file.pk), "object": "file", "deleted": True}
    delete_file(file)
    return JsonResponse(answer)


@openai_call("GET", "can_batch")
def file_content(_request: HttpRequest, key: ApiKey, pk: str) -> HttpResponseBase:
    """Return the content of one file."""
    content = content_of(_file(key, pk))
    return StreamingHttpResponse(content, content_type="application/jsonl")


@openai_call("GET", "can_batch")
def list_batches(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """List the batches of the account."""
    rows = Batch.objects.filter(owner=key.owner)
    return list_page(request, rows, BATCH_PREFIX, batch_data)


@openai_call("POST", "can_batch")
def create_batch(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """Begin to answer the lines of a file."""
    once, fields = idempotency_key(request), _fields(json_object(request))
    asked = {**fields, "key_id": key.pk}
    batch = row_once(
        Batch,
        key.owner,
        once,
        lambda pk: begin_batch(key.owner, _asked(key, fields, pk)),
        lambda earlier: all(getattr(earlier, n) == v for n, v in asked.items()),
    )
    return JsonResponse(batch_data(batch))


@openai_call("GET", "can_batch")
def read_batch(_request: HttpRequest, key: ApiKey, pk: str) -> HttpResponseBase:
    """Return one batch."""
    return JsonResponse(batch_data(_batch(key, pk)))


@openai_call("POST", "can_batch")
def stop_batch(_request: HttpRequest, key: ApiKey, pk: str) -> HttpResponseBase:
    """Cancel one batch. The answers so far can be read once it is cancelled."""
    batch = _batch(key, pk)
    if not cancel_batch(batch):
        batch.refresh_from_db()
    if batch.is_over:
        said = f"The batch is {batch.status}: there is nothing to cancel."
        raise OpenAIError(400, said, code="batch_over")
    return JsonResponse(batch_data(batch))


files = by_method(GET=list_files, POST=send_file)
file = by_method(GET=read_file, DELETE=remove_file)
batches = by_method(GET=list_batches, POST=create_batch)


def _file_of_form(request: HttpRequest) -> UploadedFile[Any]:
    """The file that a form brings. Raises ``OpenAIError``."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > settings.BATCH_FILE_MAX_BYTES + FORM_BYTES:
        said = f"A file may have {settings.BATCH_FILE_MAX_BYTES} bytes. Split it."
        raise OpenAIError(413, said, code="file_too_large", param="file")
    try:
        purpose, found = request.POST.get("purpose"), request.FILES.get("file")
    except WRONG_FORMS:
        raise OpenAIError(400, "The body must be a form with a file.") from None
    if purpose != Purpose.INPUT:
        raise bad("purpose", "purpose must be batch.")
    # A client sends the members of an object as ``expires_after[seconds]``.
    sent = [*request.POST.items(), *request.FILES.items()]
    refuse_unknown({name.split("[")[0]: value for name, value in sent}, OF_FILE)
    if not isinstance(found, UploadedFile):
        raise bad("file", "file must be a file with a JSON object in each line.")
    return found


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    """What a body asks for, by the fields of a batch. Raises ``OpenAIError``."""
    refuse_unknown(body, OF_BATCH)
    window: Any = body.get("completion_window")
    if body.get("endpoint") not in ENDPOINTS:
        raise bad("endpoint", f"endpoint must be {' or '.join(ENDPOINTS)}.")
    if window_hours(window) is None:
        most = settings.BATCH_WINDOW_HOURS_MAX
        raise bad("completion_window", f"completion_window is 24h, or 1h to {most}h.")
    return {
        "input_id": read_id(body.get("input_file_id"), FILE_PREFIX),
        "endpoint": body["endpoint"],
        "completion_window": window,
        "metadata": _metadata(body.get("metadata")),
    }


def _asked(key: ApiKey, fields: dict[str, Any], pk: UUID) -> BatchRequest:
    """A batch of a file that there is. Raises ``OpenAIError``."""
    file = BatchFile.objects.filter(owner=key.owner, pk=fields["input_id"]).first()
    if file is None:
        raise not_found(FILE_PREFIX)
    if file.purpose != Purpose.INPUT:
        raise bad("input_file_id", "The file must have been sent for purpose batch.")
    chosen = {name: fields[name] for name in CHOSEN}
    return BatchRequest(file, **chosen, key=key, pk=pk)


def _metadata(raw: Any) -> dict[str, str] | None:
    if raw is None:
        return None
    if isinstance(raw, dict) and len(raw) <= METADATA_MAX:
        texts = [*raw, *raw.values()]
        if all(map(is_text, texts)):
            is_short = max(map(len, raw), default=0) <= METADATA_NAME
            if is_short and all(len(text) <= METADATA_VALUE for text in raw.values()):
                return raw
    most = f"{METADATA_MAX} texts of up to {METADATA_VALUE} characters"
    raise bad("metadata", f"metadata must be an object with at most {most}.")


def _file(key: ApiKey, name: Any) -> BatchFile:
    """A file of the key's owner. Raises ``OpenAIError``."""
    pk = read_id(name, FILE_PREFIX)
    found = BatchFile.objects.filter(owner=key.owner, pk=pk).first()
    if found is None:
        raise not_found(FILE_PREFIX)
    return found


def _batch(key: ApiKey, name: str) -> Batch:
    """A batch of the key's owner. Raises ``OpenAIError``."""
    pk = read_id(name, BATCH_PREFIX)
    found = Batch.objects.filter(owner=key.owner, pk=pk).first()
    if found is None:
        raise not_found(BATCH_PREFIX)
    return found
