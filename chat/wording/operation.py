"""Words for operators: reasons of failures and stages of workers, in two or three."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chatsite import wire

FAILURES = {
    wire.ErrorCode.MODEL_ERROR: _("Error in the model"),
    wire.ErrorCode.BAD_REQUEST: _("Unreadable for the worker"),
    wire.ErrorCode.TOO_LONG: _("Longer than the model reads"),
    wire.ErrorCode.TOO_SLOW: _("Past the time limit"),
    wire.ErrorCode.WORKER_LOST: _("Lost several workers"),
    wire.ErrorCode.EXPIRED: _("Waited too long"),
}
STAGES = {
    wire.Stage.FETCHING: _("downloading"),
    wire.Stage.LOADING: _("loading"),
    wire.Stage.READY: _("ready"),
    wire.Stage.DRAINING: pgettext_lazy("worker", "drained"),
    wire.Stage.BROKEN: _("cannot be loaded"),
}


def failure_kind(error: str) -> str:
    """A reason in a few words; the code itself if only a newer worker knows it."""
    known = {code.value: text for code, text in FAILURES.items()}
    return str(known.get(error, error))


def stage_name(stage: wire.Stage) -> str:
    """The stage of a worker in one word."""
    return str(STAGES[stage])
