"""Sentences for people: why a reply failed, and what to do."""

from __future__ import annotations

from chatsite import wire

_FAILURES = {
    wire.ErrorCode.MODEL_ERROR: (
        "The model could not write this reply. Send the message again."
    ),
    wire.ErrorCode.BAD_REQUEST: (
        "The model could not accept this request as it is. Try it in other words."
    ),
    wire.ErrorCode.TOO_SLOW: (
        "This reply took longer than allowed, so it was ended. "
        "What was written until then is kept."
    ),
    wire.ErrorCode.WORKER_LOST: (
        "This prompt ended the worker three times, so it was set aside. "
        "Nothing you wrote is lost."
    ),
    wire.ErrorCode.EXPIRED: (
        "This prompt waited too long in line. Send it again when you still want it."
    ),
    wire.ErrorCode.UNKNOWN_MODEL: (
        "The model of this conversation is not on offer any more."
    ),
}


def failure(code: str) -> str:
    """Why a reply failed, in words; an unknown code gives the general one."""
    try:
        return _FAILURES[wire.ErrorCode(code)]
    except ValueError:
        return _FAILURES[wire.ErrorCode.MODEL_ERROR]
