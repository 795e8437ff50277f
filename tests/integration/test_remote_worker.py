"""A real worker process whose model is on another server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from chat.models import Reply, User
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import Mailbox, RunningReply
from tests.integration.conftest import ask
from tests.integration.forked_program import ForkedProgram, forked_worker
from tests.integration.whole_site import WORKER_ROWS, WholeSite
from tests.remote_catalog import remote_entry
from tests.worker.engine.remote.quirky_server import TEXT, QuirkyServer
from worker.engine.script import expected_reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

#: What each entry of the catalogue has.
PROMPT = {"silence_seconds": 2, "check_seconds": 0.5, "rows": 3}


@pytest.fixture
def upstream() -> Iterator[QuirkyServer]:
    server = QuirkyServer()
    yield server
    server.close()


@pytest.fixture
def catalog(tmp_path: Path, settings: Settings) -> Callable[..., Path]:
    """Writes the catalogue that this process and its workers read."""

    def write(url: str, model: str = "plain", more: str = "", **remote: object) -> Path:
        path = tmp_path / "catalog.toml"
        far = remote_entry("far", url, model, **PROMPT, **remote)
        path.write_text(f'default = "far"\n{far}{more}')
        settings.CHAT_CATALOG, settings.CHAT_MODEL = path, "far"
        return path

    return write


OWN = """
[models.own]
label = "Own"
engine = "scripted"
context_tokens = 64
"""


def worker_of(catalog: Path, **environment: str) -> ForkedProgram:
    return forked_worker(
        CHAT_CATALOG=str(catalog), CHAT_MODEL="far", LEASE_SECONDS="2", **environment
    )


def stages(box: Mailbox) -> list[wire.Stage]:
    return [worker.stage for worker in box.workers("far")]


def written(box: Mailbox, reply: Reply, owner: User) -> str:
    """What the mailbox holds of the text of a reply that is being written."""
    box.remember("watcher", str(owner.pk))
    seen = box.snapshot("watcher", "far", [(str(reply.pk), 0, 0)])
    assert seen is not None
    entry = seen.replies[0]
    return entry.text if isinstance(entry, RunningReply) else ""


def test_replies_come_from_the_server_and_a_cut_one_is_written_again(
    owner: User, upstream: QuirkyServer, catalog, box: Mailbox, settled, until
) -> None:
    with worker_of(catalog(upstream.url)) as worker:
        until(lambda: stages(box) == [wire.Stage.READY], 40)
        [said] = box.workers("far")
        assert (said.rows, said.context_tokens, said.device) == (3, 4096, "remote")
        upstream.next_answers = ["cut", "busy"]
        rows = settled(ask(owner, "first question"), ask(owner, "another one"))
        assert "Süß" not in worker.log
        assert "first question" not in worker.log
    assert {(row.state, row.message.text) for row in rows} == {("done", TEXT)}
    assert {(row.prompt_tokens, row.new_tokens) for row in rows} == {(11, 9)}
    assert len(upstream.calls) == 4


def test_what_a_server_breaks_off_again_and_again_fails(
    owner: User, upstream: QuirkyServer, catalog, settled
) -> None:
    with worker_of(catalog(upstream.url, "cut"), MAX_FAULTS="2"):
        [row] = settled(ask(owner, "poison"))
    assert (row.state, row.error, row.losses) == ("failed", "model_error", 0)
    assert len(upstream.calls) == 2


def test_a_refused_message_fails_with_a_reason_for_its_author(
    owner: User, upstream: QuirkyServer, catalog, settled
) -> None:
    with worker_of(catalog(upstream.url, "bad-key")) as worker:
        [row] = settled(ask(owner, "hello"))
        assert "model far: the server answered 401" in worker.log
    assert (row.state, row.error) == ("failed", "server_refused")


def test_replies_wait_while_the_server_is_away(
    owner: User, upstream: QuirkyServer, catalog, box: Mailbox, settled, until
) -> None:
    upstream.health = 503
    with worker_of(catalog(upstream.url)):
        until(lambda: stages(box) == [wire.Stage.LOADING], 40)
        until(lambda: "503" in box.workers("far")[0].step)
        reply = ask(owner, "hello")
        upstream.health = 200
        [row] = settled(reply)
        assert row.message.text == TEXT
        assert stages(box) == [wire.Stage.READY]


def test_a_site_behind_a_site(
    owner: User, called_site: WholeSite, catalog, box: Mailbox, settled, until
) -> None:
    """A stop of the outer one frees the row of the inner one."""
    path = catalog(f"{called_site.url}/v1", "scripted", key_variable="INNER_KEY")
    with worker_of(path, INNER_KEY=called_site.key) as worker:
        until(lambda: stages(box) == [wire.Stage.READY], 40)
        [row] = settled(ask(owner, "hello inner site"))
        assert (row.state, row.message.text) == (
            "done",
            expected_reply("hello inner site"),
        )
        assert row.new_tokens == len(row.message.text.split())
        reply = ask(owner, "on and on [words=2000] [delay=0.05]")
        until(lambda: written(box, reply, owner), 40)
        assert called_site.free_rows < WORKER_ROWS
        stop_reply(reply)
        [stopped] = settled(reply)
        assert (stopped.state, bool(stopped.message.text)) == ("stopped", True)
        until(lambda: called_site.free_rows == WORKER_ROWS)
        assert called_site.key not in worker.log


def test_one_process_serves_several_models_and_none_waits_for_another(
    owner: User,
    upstream: QuirkyServer,
    catalog,
    box: Mailbox,
    settled,
    until,
    settings: Settings,
) -> None:
    # A second model on the same server, with one row.
    other = remote_entry("other", upstream.url, "stall", rows=1, silence_seconds=60)
    path = catalog(upstream.url, more=other)
    settings.CHAT_MODELS = ("far", "other")
    # As many bells as there are threads ring for the model that has one row.
    owner.model = "other"
    owner.save()
    slow = [ask(owner, f"slow {number}") for number in range(5)]
    with worker_of(path, CHAT_MODELS="far,other"):
        until(lambda: stages(box) == [wire.Stage.READY], 40)
        names = {one.worker for name in ("far", "other") for one in box.workers(name)}
        assert len(names) == 1
        until(lambda: any(call["model"] == "stall" for call in upstream.calls))
        owner.model = ""
        owner.save()
        [row] = settled(ask(owner, "quick"))
        assert (row.model, row.message.text) == ("far", TEXT)
        for reply in slow:
            stop_reply(reply)
        assert {row.state for row in settled(*slow)} == {"stopped"}


def test_a_process_does_not_hold_two_models_with_weights(catalog) -> None:
    path = catalog("http://127.0.0.1:9/v1", more=OWN)
    with worker_of(path, CHAT_MODELS="far,own") as worker:
        assert worker.process.wait(40) == 2
        assert "holds one model with weights" in worker.log
