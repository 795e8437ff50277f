"""Two keepers do no harm: one of them works on an import, until it is silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chat.models import Conversation, ConversationImport, ImportStatus, User
from chat.services.conversation_deletion import MESSAGES_AT_ONCE
from chat.services.imports import runner
from chat.services.imports.imports import begin_import, confirm_import, delete_import
from chat.services.imports.runner import ImportRunner
from chat.services.imports.storing import store_import
from tests.chat.services.imports.conftest import run
from tests.chat.services.imports.sample_files import SAMPLES

pytestmark = pytest.mark.django_db
COUNT = 5


@pytest.fixture
def made(owner: User, monkeypatch: pytest.MonkeyPatch) -> ConversationImport:
    monkeypatch.setattr(runner, "SWEEP_SECONDS", 0)  # one step in each sweep
    one: dict[str, Any] = json.loads((SAMPLES / "chatgpt/01-plain.json").read_text())[0]
    talks = [{**one, "conversation_id": str(n), "title": str(n)} for n in range(COUNT)]
    content = json.dumps(talks).encode()
    return begin_import(owner, "bees.json", len(content), [content])


def forget(made: ConversationImport) -> None:
    """Let the lease of a keeper that is silent pass."""
    ConversationImport.objects.filter(pk=made.pk).update(
        claimed_until=timezone.now() - timedelta(seconds=1)
    )


def work(made: ConversationImport, *keepers: Callable[[], None]) -> None:
    before = made.status
    for _ in range(50):
        for keeper in keepers:
            keeper()
        made.refresh_from_db()
        if made.status != before:
            return
    raise AssertionError(made.status)


def test_two_keepers_at_once_read_and_store_each_conversation_once(
    made: ConversationImport, owner: User
) -> None:
    one, two = ImportRunner(), ImportRunner()
    work(made, one.run, two.run)
    assert (made.status, made.error, made.tries) == ("ready", "", 1)
    assert made.entries.count() == COUNT
    confirm_import(made)
    work(made, two.run, one.run)
    titles = Conversation.objects.filter(owner=owner).values_list("title", flat=True)
    assert sorted(titles) == [str(n) for n in range(COUNT)]


def test_a_keeper_that_was_silent_too_long_stops_where_another_has_begun(
    made: ConversationImport,
) -> None:
    silent, other = ImportRunner(), ImportRunner()
    for _ in range(3):
        silent.run()
    assert made.entries.count() == 3
    forget(made)
    other.run()
    assert made.entries.count() == 1
    silent.run()  # does not know yet, and is told by what it would write
    assert made.entries.count() == 1
    work(made, other.run, silent.run)
    assert (made.status, made.tries, made.entries.count()) == ("ready", 2, COUNT)
    numbers = made.entries.values_list("number", flat=True)
    assert [*numbers] == list(range(1, COUNT + 1))


def test_a_file_that_is_deleted_while_it_is_read_is_left(
    made: ConversationImport,
) -> None:
    keeper = ImportRunner()
    keeper.run()
    delete_import(made)
    keeper.run()
    assert not ConversationImport.objects.exists()


def test_a_database_that_is_away_uses_up_no_try(
    made: ConversationImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from chat.services.imports import reading

    keeper = ImportRunner()
    for _ in range(5):
        with monkeypatch.context() as patched:

            def away(*_: object) -> None:
                raise OperationalError

            patched.setattr(reading, "_entry", away)
            with pytest.raises(OperationalError):
                for _ in range(3):
                    keeper.run()
    work(made, keeper.run)
    assert (made.status, made.tries) == (ImportStatus.READY, 1)


def test_the_same_file_sent_twice_and_stored_at_once_comes_once(
    owner: User,
) -> None:
    """Both are shown before either is stored, and their parts take turns."""
    count = 2 * MESSAGES_AT_ONCE + 10
    says = ("human", "assistant")
    messages = [
        {"uuid": f"{n}", "sender": says[n % 2], "text": f"bees {n}"}
        for n in range(count)
    ]
    content = json.dumps([{"uuid": "1", "name": "a", "chat_messages": messages}])
    both = []
    for _ in range(2):
        both.append(begin_import(owner, "a", len(content), [content.encode()]))
        run(both[-1])
    assert [confirm_import(one) for one in both] == [True, True]
    waiting = [store_import(one) for one in both]
    while waiting:
        for steps in [*waiting]:
            if next(steps, waiting) is waiting:
                waiting.remove(steps)
    states = [one.entries.get().state for one in both]
    assert sorted(states) == ["done", "duplicate"]
    shown = Conversation.objects.listed().get(owner=owner)
    assert len(shown.path()) == count
    assert {one.entries.get().conversation for one in both} == {shown}
