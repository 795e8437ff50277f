"""Runs the request of one reply in the engine."""

from __future__ import annotations

import logging

from chatsite import wire
from worker.delivery import Delivery
from worker.engine.interface import Engine, EngineClosed

log = logging.getLogger(__name__)


def run_reply(engine: Engine, delivery: Delivery) -> None:
    """Run the request of a reply, and wait for its end.

    Whatever goes wrong becomes the end of the reply.
    """
    try:
        _submit(engine, delivery)
    except EngineClosed:
        delivery.on_end(wire.Ending(wire.Outcome.HANDED_BACK))
    # Also when memory is short, the reply has to end.
    except Exception as error:
        log.exception("reply %s could not begin", delivery.claim.reply)
        delivery.on_end(_failure(wire.ErrorCode.MODEL_ERROR, error))
    delivery.ended.wait()


def _submit(engine: Engine, delivery: Delivery) -> None:
    """Pass the request to the engine; end the reply if it cannot be read."""
    try:
        request = delivery.read_request()
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        delivery.on_end(_failure(wire.ErrorCode.BAD_REQUEST, error))
    else:
        is_helper = delivery.claim.is_helper
        handle = engine.submit(request, delivery, is_helper=is_helper)
        delivery.attach(handle)


def _failure(code: wire.ErrorCode, error: Exception) -> wire.Ending:
    """Return a failure with the type of the error only: its message may quote users."""
    return wire.Ending(wire.Outcome.FAILED, code, detail=type(error).__name__)
