"""Calls of a key that keeps no conversations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from chat.accounts import account_deletion
from chat.accounts.data_export import export_user
from chat.keeper import Keeper
from chat.models import Conversation, Passage, Reply, User
from chat.services.conversation_list import newest
from chat.services.jobs.status import poll_snapshot
from chat.services.search.results import search
from chatsite.mailbox import Mailbox
from tests.chat.api.key_program import Program, path_of
from tests.chat.conftest import Worker
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", None)


def change_counter(box: Mailbox, owner: User) -> str:
    return poll_snapshot("a-session", lambda: owner, "scripted").change_counter


@pytest.fixture
def program(account: User, box: Mailbox) -> Program:
    return Program(account, keeps_conversations=False, can_read_history=True)


def test_no_page_shows_them(
    program: Program,
    account: User,
    box: Mailbox,
    worker: Worker,
    client_of: Callable[[User], Client],
) -> None:
    tab = client_of(account)
    before = change_counter(box, account)
    answer = program.send("Zyzzyva")
    worker.answer("Honey of the zyzzyva.")
    assert program.get(path_of(answer)).json()["text"] == "Honey of the zyzzyva."
    assert change_counter(box, account) == before
    assert newest(account.pk).items == ()
    assert search(account.pk, "zyzzyva").hits == ()
    assert not Passage.objects.exists()
    assert not Conversation.objects.get().has_unread
    assert "yzzyva" not in "".join(export_user(account))
    assert tab.get(f"/c/{answer.json()['conversation']}/").status_code == 404
    assert "0 conversations" in dom(tab.get("/account/")).text
    found = program.get("/api/v1/search?q=zyzzyva").json()
    assert found["hits"] == []


def test_they_can_be_stopped_and_go_on(program: Program, worker: Worker) -> None:
    first = program.send()
    worker.answer("Honey.")
    program.get(path_of(first))
    second = program.send("And wax?", conversation=first.json()["conversation"])
    assert second.status_code == 202
    assert program.post(f"{path_of(second)}/stop").json()["state"] == "stopped"
    assert Conversation.objects.get().messages.count() == 4


def test_the_keeper_erases_them_a_while_after_their_end(
    program: Program, account: User, worker: Worker, settings: Settings
) -> None:
    kept = Program(account).send("kept").json()["conversation"]
    worker.answer("Kept.")
    waiting = program.send().json()["conversation"]
    done = program.send()
    worker.claim()
    worker.answer("Honey.")
    program.get(path_of(done))
    keeper = Keeper()
    keeper.sweep()
    assert Conversation.objects.count() == 3
    long_ago = timezone.now() - timedelta(minutes=settings.API_UNKEPT_MINUTES + 1)
    Conversation.objects.update(updated_at=long_ago)
    Keeper().sweep()
    assert Conversation.objects.count() == 3  # it ended a moment ago
    Reply.objects.exclude(finished_at=None).update(finished_at=long_ago)
    Keeper().sweep()
    left = {str(pk) for pk in Conversation.objects.values_list("pk", flat=True)}
    assert left == {kept, waiting}
    assert program.get(path_of(done)).status_code == 404


def test_they_are_erased_with_their_account(
    program: Program, account: User, box: Mailbox
) -> None:
    program.send()
    account_deletion.erase_account(account)
    while account_deletion.erase_closed_accounts():
        pass
    assert not (Conversation.objects.exists() or User.objects.exists())


def test_deleting_all_conversations_leaves_them_running(
    program: Program, account: User, client_of: Callable[[User], Client]
) -> None:
    path = path_of(program.send())
    Program(account).send()
    client_of(account).post("/delete-all/")
    assert program.get(path).json()["state"] == "queued"
