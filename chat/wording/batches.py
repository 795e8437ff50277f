"""Sentences about batches: how far one has come, and why its file was refused."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import BatchStatus

STATUSES: dict[str, Promise] = {
    BatchStatus.VALIDATING.value: gettext_lazy("is being read"),
    BatchStatus.FAILED.value: gettext_lazy("file refused"),
    BatchStatus.IN_PROGRESS.value: gettext_lazy("is being answered"),
    BatchStatus.FINALIZING.value: gettext_lazy("is being answered"),
    BatchStatus.COMPLETED.value: gettext_lazy("done"),
    BatchStatus.EXPIRED.value: gettext_lazy("expired"),
    BatchStatus.CANCELLING.value: gettext_lazy("is being cancelled"),
    BatchStatus.CANCELLED.value: gettext_lazy("cancelled"),
}
REASONS: dict[str, Promise] = {
    "invalid_json_line": gettext_lazy("It is no JSON object."),
    "missing_required_parameter": gettext_lazy(
        "It needs a custom_id of up to 512 characters, and a JSON object as its body."
    ),
    "invalid_custom_id": gettext_lazy(
        "Its custom_id has a character that cannot be stored: leave it out."
    ),
    "mismatched_url": gettext_lazy(
        "All lines need the same url: /v1/chat/completions or /v1/completions."
    ),
    "invalid_method": gettext_lazy("Its method must be POST."),
    "duplicate_custom_id": gettext_lazy("An earlier line has the same custom_id."),
    "too_many_lines": gettext_lazy("There are too many lines: split the file."),
    "empty_file": gettext_lazy("The file has no lines."),
    "unreadable_file": gettext_lazy(
        "The site failed to read the file. Send it again, or tell the operator."
    ),
    "file_not_found": gettext_lazy("The file was deleted."),
}
OTHER_REASON = gettext_lazy("It may have custom_id, method, url and body only.")


def status_text(status: str) -> str:
    """How far a batch has come."""
    return str(STATUSES[status])


def refusal_text(error: dict[str, Any]) -> str:
    """Why a file was refused, with the number of the line."""
    reason = str(REASONS.get(error.get("code") or "", OTHER_REASON))
    if error.get("line") is None:
        return reason
    return _("Line %(number)s: %(reason)s") % {
        "number": error["line"],
        "reason": reason,
    }
