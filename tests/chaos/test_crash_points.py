"""A process dies at a named point; whoever comes next makes it as if nothing had been.

Real processes: what dies is killed by SIGKILL where it stands, with all its threads.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from chat.keeper import Keeper
from chat.models import IdempotencyKey, Message, Reply, User
from chat.services.jobs import reconcile
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway
from tests.chaos import crash_points
from tests.environment import FOLDER, IS_SOAK
from worker.engine.script import expected_reply, without_marks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]
#: Two: the worker that finishes what another one lost dies at the next reply.
TRIALS = 130 if IS_SOAK else 2
#: A worker has no database: on another one than SQLite a single point is enough.
WORKER_POINTS = (
    crash_points.WORKER_POINTS
    if IS_SOAK or connection.vendor == "sqlite"
    else ("mid_generation",)
)
LEASE_SECONDS = "1"
NOBODY = "nobody"


class Trials:
    """A worker that is replaced whenever it died, and a sweep in between."""

    def __init__(self, box: Mailbox, owner: User, log: Path) -> None:
        self.box = box
        self.owner = owner
        self.log = log
        self.keys: list[tuple[str, str]] = []
        self._keeper = Keeper()
        self._names = itertools.count()
        self.worker: crash_points.BaseProcess | None = None

    def text(self, words: int = 12) -> str:
        return f"number {next(self._names)} [words={words}] [delay=0.01] [run]"

    def ask(self, words: int = 12) -> Reply:
        text, key = self.text(words), f"key-{next(self._names)}"
        self.keys.append((key, text))
        return send_message(self.owner, text, key)

    def start_worker(
        self, point: str, spared: object, *, is_late: bool = False
    ) -> None:
        self.worker = crash_points.start(
            crash_points.serve_and_die, self.log, point, str(spared), is_late
        )

    def end_worker(self) -> None:
        if self.worker is not None and self.worker.is_alive():
            self.worker.kill()
            self.worker.join()

    def play(
        self, reply: Reply, *, lease_seconds: float, is_done: bool = False
    ) -> None:
        """Claim it, as a worker that then ends it or is lost."""
        claim = self.box.claim("scripted", "played", lease_seconds)
        assert claim and claim.reply == str(reply.pk)
        if is_done:
            text = expected_reply(reply.message.parent.text)
            ending = wire.Ending(wire.Outcome.DONE)
            self.box.finish((claim.reply, claim.token, 0, text, 12), ending)

    def tell_to_end_while_it_writes(self, reply: Reply) -> None:
        deadline = time.monotonic() + 30
        while not self.box.connection.client.exists(f"mailbox:text:{reply.pk}"):
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.01)
        assert self.worker
        self.worker.terminate()

    def wait_for_death(self, process: crash_points.BaseProcess | None) -> None:
        assert process is not None
        process.join(30)
        assert process.exitcode == -9, self.log.read_text()[-3000:]

    def settle(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while Reply.objects.unfinished().exists() or self.box.finished():
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            with contextlib.suppress(MailboxAway):
                self._keeper.sweep()
            time.sleep(0.05)

    def audit(self) -> None:
        """One reply for each prompt, whole, written by one run."""
        rows = Reply.objects.select_related("message")
        keys = dict(IdempotencyKey.objects.values_list("reply", "key"))
        assert Counter(keys.values()) == Counter(key for key, _ in self.keys)
        texts = {keys[row.pk]: row for row in rows}
        assert len(texts) == len(rows) == len(keys)
        for key, text in self.keys:
            row = texts[key]
            assert (row.state, without_marks(row.message.text)) == (
                "done",
                expected_reply(text),
            )
        User.objects.exclude(pk=self.owner.pk).delete()
        Message.objects.all().delete()
        IdempotencyKey.objects.all().delete()
        self.keys.clear()


def database_url() -> str:
    """Of the database that this test uses."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    who = f"{found['USER']}:{found['PASSWORD']}@" if found["USER"] else ""
    port = f":{found['PORT']}" if found["PORT"] else ""
    return f"postgres://{who}{found['HOST']}{port}/{found['NAME']}"


@pytest.fixture
def trials(
    box: Mailbox, owner: User, settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trials]:
    settings.LEASE_SECONDS = float(LEASE_SECONDS)
    monkeypatch.setattr(reconcile, "PUBLISHING_SECONDS", 0.2)
    for name, value in {
        "DATABASE_URL": database_url(),
        "LEASE_SECONDS": LEASE_SECONDS,
        "WORKER_SLOTS": "2",
        "WORKER_FLUSH_SECONDS": "0.05",
        "WORKER_GRACE_SECONDS": "0.1",
    }.items():
        monkeypatch.setenv(name, value)
    trials = Trials(box, owner, FOLDER / "dying.log")
    yield trials
    trials.end_worker()


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_that_dies(point: str, trials: Trials) -> None:
    is_late = False
    trials.start_worker(point, NOBODY)
    for _ in range(TRIALS):
        # What is to be handed back does not fit into the grace time.
        reply = trials.ask(words=60 if point == "during_hand_back" else 12)
        if point == "during_hand_back":
            trials.tell_to_end_while_it_writes(reply)
        trials.wait_for_death(trials.worker)
        is_said = point == "after_final_before_ack" or is_late
        is_late = point == "during_hand_back" and not is_late
        # Whoever comes next finishes it, and dies at the one after.
        trials.start_worker(point, reply.pk, is_late=is_late)
        trials.settle()
        assert Reply.objects.get(pk=reply.pk).losses == (not is_said)
        trials.audit()


@pytest.mark.parametrize("point", crash_points.WEB_POINTS)
def test_a_web_server_that_dies(point: str, trials: Trials) -> None:
    trials.start_worker("none", NOBODY)
    for number in range(TRIALS):
        text, key = trials.text(), f"web-{number}"
        trials.keys.append((key, text))
        process = crash_points.start(
            crash_points.send_and_die,
            trials.log,
            point,
            str(trials.owner.pk),
            text,
            key,
        )
        trials.wait_for_death(process)
        # The browser had no answer: it sends again.
        send_message(trials.owner, text, key)
        trials.settle()
        trials.audit()


@pytest.mark.parametrize("point", crash_points.KEEPER_POINTS)
def test_a_keeper_that_dies(
    point: str, trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it has a row to publish, a lost worker's reply and an end to collect."""
    dice = random.Random(point)
    for _ in range(TRIALS):
        with monkeypatch.context() as patched:
            patched.setattr("chat.services.messages.publish", lambda _: True)
            trials.ask()
        trials.play(trials.ask(), lease_seconds=0)
        trials.play(trials.ask(), lease_seconds=60, is_done=True)
        keeper = crash_points.start(
            crash_points.sweep_and_die, trials.log, dice.randrange(60)
        )
        trials.wait_for_death(keeper)
        trials.start_worker("none", NOBODY)
        trials.settle()
        trials.end_worker()
        trials.audit()
