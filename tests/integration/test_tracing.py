"""One trace over the way of a reply: request, line, worker, and back into the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chat.keeper import Keeper
from chat.models import Reply
from chatsite.mailbox import Mailbox
from tests.chat.middleware.test_proxy_headers import trusted
from tests.processes import Program
from worker.engine.scripted import ScriptedEngine
from worker.serving import ReplyServer

pytestmark = pytest.mark.django_db(transaction=True)
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TEXT = "What do bees make?"


@pytest.fixture
def spans(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InMemorySpanExporter]:
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("chatsite.tracing.provider", lambda: provider)
    settings.TRACING = True
    yield kept
    provider.shutdown()


@pytest.fixture
def server(box: Mailbox) -> Iterator[ReplyServer]:
    server = ReplyServer(
        ScriptedEngine(rows=1),
        box,
        "w",
        lease_seconds=60,
        flush_seconds=0.02,
        on_change=lambda: None,
    )
    yield server
    server.drain(0)
    server.close()


def send(client: Client, **headers: str) -> None:
    answer = client.post(
        "/api/v1/messages",
        {"text": TEXT},
        content_type="application/json",
        headers={"Idempotency-Key": "a", **headers},
    )
    assert answer.status_code < 300, answer.content


def test_a_reply_is_one_trace_that_begins_with_the_proxys(
    client: Client,
    server: ReplyServer,
    spans: InMemorySpanExporter,
    settings: LazySettings,
) -> None:
    settings.TRUSTED_PROXIES = trusted("127.0.0.1")
    send(client, traceparent=f"00-{TRACE}-{SPAN}-01")
    server.answer_next()
    Keeper().sweep()
    reply = Reply.objects.get()
    assert reply.state == "done"
    found = {span.name: span for span in spans.get_finished_spans()}
    assert found.keys() == {"request", "wait in line", "generate", "collect"}
    assert {f"{one.context.trace_id:032x}" for one in found.values()} == {TRACE}
    request = found.pop("request")
    assert f"{request.parent.span_id:016x}" == SPAN
    for one in found.values():
        assert one.parent.span_id == request.context.span_id
        assert one.attributes["reply"] == str(reply.pk)
    assert found["wait in line"].end_time <= found["collect"].start_time
    assert TEXT not in "".join(span.to_json() for span in spans.get_finished_spans())


def test_nobody_else_continues_a_trace(
    client: Client, box: Mailbox, spans: InMemorySpanExporter, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = trusted("10.0.0.0/8")
    send(client, traceparent=f"00-{TRACE}-{SPAN}-01")
    (request,) = spans.get_finished_spans()
    assert f"{request.context.trace_id:032x}" != TRACE
    assert request.parent is None


def test_without_tracing_a_reply_has_no_trace(
    client: Client, box: Mailbox, settings: LazySettings
) -> None:
    send(client)
    assert Reply.objects.get().traceparent == ""


def test_a_site_without_the_packages_names_them(
    until: Callable[..., None],
) -> None:
    missing = "import sys; sys.modules['opentelemetry'] = None; "
    start = "from chatsite import startup; startup.begin()"
    with Program("-c", missing + start, TRACING="on") as program:
        assert program.process.wait(30) == 2
        assert "TRACING=on needs packages" in program.log
