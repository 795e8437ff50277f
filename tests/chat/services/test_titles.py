"""Titles that the model finds: when it is asked, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chat.models import Conversation, Reply, TitleJob, User
from chat.services.conversations import rename
from chat.services.jobs.collect import collect
from chat.services.limits.remaining import remaining_limits
from chat.services.titles.titles import GIVEN_UP_AFTER, run_titles, title_of
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Clock, Worker
from tests.chat.services.version_actions import collected

pytestmark = pytest.mark.django_db

PROMPT = "please tell me what bees make all day"
Sent = Callable[..., Reply]


@pytest.fixture(autouse=True)
def catalog(settings: LazySettings) -> None:
    """The model of the tests is one that is asked for titles."""
    text = settings.CHAT_CATALOG.read_text()
    path = settings.DATA_DIR / "titles.toml"
    engine = 'engine = "scripted"\n'
    path.write_text(text.replace(engine, f"{engine}titles = true\n"))
    settings.CHAT_CATALOG, settings.TITLES_BY_MODEL = path, True


@pytest.fixture
def answered(owner: User, worker: Worker, sent: Sent) -> Reply:
    """The first reply of a conversation, beside an idle worker."""
    reply = collected(worker, sent(owner, PROMPT), "Honey and wax.")
    worker.announce()
    return reply


def run(committed) -> None:
    with committed():
        run_titles()


def titled(worker: Worker, committed, answer: str, **said: object) -> str:
    """Ask for titles, answer once, and return the title of the only conversation."""
    run(committed)
    claim = worker.answer(answer, **said)
    collect(claim.reply)
    run(committed)
    return Conversation.objects.get().title


def test_an_idle_worker_finds_the_title_after_the_first_reply(
    answered: Reply, worker: Worker, committed
) -> None:
    assert answered.message.conversation.title == PROMPT
    run(committed)
    claim = worker.claim()
    assert claim.is_helper
    asked, begun = wire.Request.from_json(claim.request).turns
    assert asked.text.startswith(PROMPT)
    assert (begun.role, begun.text) == (wire.Role.ASSISTANT, "Title:")
    worker.finish(claim, 'Title: "The work of bees."\n\nI hope that helps!')
    collect(claim.reply)
    run(committed)
    assert Conversation.objects.get().title == "The work of bees"
    assert not TitleJob.objects.exists()


def test_a_title_that_a_person_typed_stays(
    answered: Reply, worker: Worker, committed
) -> None:
    run(committed)
    with committed():
        rename(answered.message.conversation, "Mine")
    assert titled(worker, committed, "Bees") == "Mine"


def test_later_replies_ask_for_no_title(
    answered: Reply, owner: User, worker: Worker, sent: Sent, committed
) -> None:
    assert titled(worker, committed, "Bees") == "Bees"
    collected(worker, sent(owner, "and?", answered.message.conversation), "Wax.")
    assert not TitleJob.objects.exists()


def test_nothing_is_asked_while_a_reply_waits_or_no_worker_is_idle(
    answered: Reply, owner: User, worker: Worker, box: Mailbox, sent: Sent, committed
) -> None:
    worker.announce(free=0)
    run(committed)
    assert box.waiting_by_kind("scripted") == (0, 0)
    worker.announce(free=1)
    sent(owner, "waits")
    run(committed)
    assert box.waiting_by_kind("scripted") == (1, 0)


def test_no_more_is_asked_than_workers_are_idle(
    owner: User, worker: Worker, box: Mailbox, sent: Sent, committed
) -> None:
    for number in range(5):
        collected(worker, sent(owner, f"{PROMPT} {number}"), "words")
    worker.announce(free=2)
    run(committed)
    run(committed)
    assert box.waiting_by_kind("scripted") == (0, 2)
    assert TitleJob.objects.exclude(asked_in=None).count() == 2


@pytest.mark.parametrize("outcome", [wire.Outcome.FAILED, wire.Outcome.STOPPED])
def test_the_first_words_stay_where_no_title_comes(
    answered: Reply, worker: Worker, committed, outcome: wire.Outcome
) -> None:
    assert titled(worker, committed, "Half a", outcome=outcome) == PROMPT
    assert not TitleJob.objects.exists()


def test_a_title_counts_as_no_ones_message(
    clock: Clock, answered: Reply, owner: User, worker: Worker, committed
) -> None:
    before = remaining_limits(owner)
    titled(worker, committed, "Bees")
    assert remaining_limits(owner) == before


def test_a_job_that_no_worker_had_time_for_is_given_up(
    answered: Reply, worker: Worker, committed
) -> None:
    worker.announce(free=0)
    TitleJob.objects.update(created_at=timezone.now() - 2 * GIVEN_UP_AFTER)
    run(committed)
    assert not TitleJob.objects.exists()
    assert timedelta(minutes=5) < GIVEN_UP_AFTER


def test_the_site_or_the_model_may_do_without(
    owner: User, worker: Worker, sent: Sent, settings: LazySettings
) -> None:
    settings.TITLES_BY_MODEL = False
    collected(worker, sent(owner, PROMPT), "words")
    settings.TITLES_BY_MODEL = True
    text = settings.CHAT_CATALOG.read_text().replace("titles = true", "titles = false")
    settings.CHAT_CATALOG = settings.DATA_DIR / "none.toml"
    settings.CHAT_CATALOG.write_text(text)
    collected(worker, sent(owner, PROMPT), "words")
    assert not TitleJob.objects.exists()


def test_a_message_of_few_words_is_its_own_title(
    owner: User, worker: Worker, sent: Sent
) -> None:
    collected(worker, sent(owner, "What do bees make?"), "Honey.")
    assert not TitleJob.objects.exists()


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("The work of bees", "The work of bees"),
        ("**Title: The Work of Bees.**", "The Work of Bees"),
        ("\n\n# «Die Arbeit der Bienen»\n", "Die Arbeit der Bienen"),
        ("one two three four five six seven eight", "one two three four five six"),
        (
            "This conversation is about the many things that bees make",
            "This conversation is about the many",
        ),
        (
            "This conversation is about the many things that bees do and make all day",
            "",
        ),
        ("Is it “honey”?", "Is it “honey”?"),
        ("The life of bees: how they work and what they eat", "The life of bees"),
        ("Bees - what they make all day long", "Bees"),
        ("“…”", ""),
        ("\u202eevil", "evil"),
        (" \n\t", ""),
        ("...\n---\n", ""),
        ("x" * 100, "x" * 60 + "…"),
    ],
)
def test_a_title_is_one_short_line(answer: str, title: str) -> None:
    assert title_of(answer) == title
