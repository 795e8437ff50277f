"""Spans of OpenTelemetry over the way of a reply, if ``TRACING`` is on.

A trace begins with the request that asks for a reply, or with the span that a trusted
proxy names. Its position travels as ``traceparent``, in the row of the reply and in the
request to a worker. Where spans go, and how many, OpenTelemetry's own variables say:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

Spans hold ids, states and the names of views and models, never a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from django.conf import settings

from chatsite.request_context import current_traceparent

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
NANOSECONDS = 1_000_000_000


def is_installed() -> bool:
    """Whether the packages of requirements-tracing.txt are there."""
    try:
        return all(find_spec(name) for name in NEEDED)
    except ModuleNotFoundError:
        return False


@contextmanager
def span(name: str, parent: str | None = None, **attributes: str) -> Iterator[str]:
    """Trace a block; yield its position in the trace, empty without tracing.

    ``parent`` is a position, by default that of the request; if it is empty, a trace
    begins.
    """
    if not settings.TRACING:
        yield ""
        return
    above = current_traceparent() if parent is None else parent
    begun = _begun(name, above, attributes)
    try:
        # The message of an error might hold a text: only its type is told.
        yield _position_of(begun)
    except BaseException as error:
        begun.set_attribute("error.type", type(error).__name__)
        raise
    finally:
        begun.end()


def record_span(name: str, began: float, ended: float, **attributes: str) -> None:
    """Trace what took place between two times, in seconds since 1970."""
    if settings.TRACING:
        start = int(began * NANOSECONDS)
        begun = _begun(name, current_traceparent(), attributes, start)
        begun.end(int(ended * NANOSECONDS))


def _begun(
    name: str, parent: str, attributes: dict[str, str], start: int | None = None
) -> Span:
    tracer = provider().get_tracer("chatsite")
    context = _context_of(parent)
    return tracer.start_span(
        name, context=context, attributes=attributes, start_time=start
    )


def _context_of(position: str) -> Context:
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    return TraceContextTextMapPropagator().extract({"traceparent": position})


def _position_of(begun: Span) -> str:
    found = begun.get_span_context()
    flags = int(found.trace_flags)
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{flags:02x}"


@cache
def provider() -> TracerProvider:
    """Return what collects the spans of this process and sends them in batches."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # OTEL_SERVICE_NAME wins.
    made = TracerProvider(resource=Resource.create({"service.name": "chatsite"}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return made
