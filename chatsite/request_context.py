"""The request of a browser or program on whose behalf this thread works.

Its id and its trace go where the reply goes: into the row of the reply, the request to
a worker, and the log lines of every process that has to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

ID_MAX_LENGTH = 64
#: As proxies make them: UUIDs, numbers, and paths of ids. No spaces, quotes or commas.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=@-]{0,63}")
#: Version, trace, span and flags, in the format of W3C Trace Context.
TRACEPARENT_LENGTH = 55
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
#: In the environment of WSGI: the id of a request. It may be handled a second time, and
#: its answer is logged when it has been left.
ENVIRON = "chatsite.request_id"

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_reply: ContextVar[str] = ContextVar("reply", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def new_request_id() -> str:
    """Return a random id."""
    return uuid4().hex


def safe_id(text: str) -> str:
    """Return the text if it is a request id, else nothing."""
    return text if ID.fullmatch(text) else ""


def safe_traceparent(text: str) -> str:
    """Return the text if it is the position in a trace, else nothing."""
    return text if TRACEPARENT.fullmatch(text) else ""


def current_request_id() -> str:
    """Return the id of the request; empty outside of one."""
    return _request_id.get()


def current_reply() -> str:
    """Return the id of the reply that is being dealt with; empty if there is none."""
    return _reply.get()


def current_traceparent() -> str:
    """Return the position in the trace; empty unless ``TRACING`` is on."""
    return _traceparent.get()


@contextmanager
def on_behalf_of(
    request_id: str, *, reply: str = "", traceparent: str = ""
) -> Iterator[None]:
    """Within the block, work on behalf of a request, and deal with a reply."""
    tokens = [
        (variable, variable.set(value))
        for variable, value in (
            (_request_id, request_id),
            (_reply, reply),
            (_traceparent, traceparent),
        )
    ]
    try:
        yield
    finally:
        for variable, token in tokens:
            variable.reset(token)
