from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from chat.keeper import Keeper
from chat.models import Conversation, Reply, User
from chat.services.messages import send_message
from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway, RunningReply
from tests.integration.command_line import CommandLine
from tests.integration.whole_site import WholeSite, whole_site

#: A keeper sweeps at intervals, and rings again for what two sweeps saw idle.
SWEEP_SECONDS = 0.3
_keys = (f"key-{i}" for i in itertools.count())


def ask(owner: User, text: str, conversation: Conversation | None = None) -> Reply:
    return send_message(owner, text, next(_keys), conversation)


def growing(box: Mailbox, reply: Reply, owner: User) -> RunningReply | None:
    """What the mailbox holds of a reply once it has text."""
    box.remember("watcher", str(owner.pk))
    seen = box.snapshot("watcher", "scripted", [(str(reply.pk), 0, 0)])
    assert seen is not None
    entry = seen.replies[0]
    return entry if isinstance(entry, RunningReply) and entry.text else None


@pytest.fixture
def lease(settings: Settings) -> str:
    """A short lease, in the keeper here and in the workers started with it."""
    settings.LEASE_SECONDS = 2
    return "2"


@pytest.fixture
def settled(
    box: Mailbox, until: Callable[..., None], lease: str
) -> Callable[..., list[Reply]]:
    """Sweep as the keeper does until all these replies ended; the rows."""
    keeper = Keeper()

    def settle(*replies: Reply, seconds: float = 40) -> list[Reply]:
        pks = [reply.pk for reply in replies]

        def are_over() -> bool:
            time.sleep(SWEEP_SECONDS)
            with contextlib.suppress(MailboxAway):
                keeper.sweep()
            return not Reply.objects.unfinished().filter(pk__in=pks).exists()

        until(are_over, seconds)
        found = Reply.objects.select_related("message").in_bulk(pks)
        return [found[pk] for pk in pks]

    return settle


@pytest.fixture
def ready(box: Mailbox, until: Callable[..., None]) -> Callable[..., None]:
    """Wait until so many workers of the scripted model are ready."""

    def are_ready(count: int) -> bool:
        try:
            stages = [worker.stage for worker in box.workers("scripted")]
        except MailboxAway:
            return False
        return stages.count(wire.Stage.READY) >= count

    def wait(count: int = 1) -> None:
        until(lambda: are_ready(count), 40)

    return wait


@pytest.fixture(scope="package")
def called_site(
    tmp_path_factory: pytest.TempPathFactory, migrated: Callable[[Path], str]
) -> Iterator[WholeSite]:
    """A site with the scripted engine, for programs that call it."""
    folder = tmp_path_factory.mktemp("site")
    database = migrated(folder / "db.sqlite3")
    own = {"MESSAGES_SHOWN": "2", "CALLER_LOST_SECONDS": "5"}
    with whole_site(folder, database, **own) as site:
        yield site


@pytest.fixture
def chatsite(called_site: WholeSite, tmp_path: Path) -> CommandLine:
    return CommandLine(called_site, tmp_path)
