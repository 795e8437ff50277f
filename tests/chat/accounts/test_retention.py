"""What the keeper erases by itself, and the files that it cleans."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex
from time import sleep

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from chat.accounts import account_deletion
from chat.keeper import Keeper
from chat.models import (
    Conversation,
    Invitation,
    Message,
    Session,
    User,
)
from chat.services.search import index_maintenance
from chat.services.search.results import search
from chatsite.mailbox import Mailbox
from tests.chat.accounts.canary import (
    CANARY,
    files_with_canary,
    tables_with_canary,
)
from tests.chat.accounts.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.valkey import Valkey


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its files are looked into")
def test_files_contain_the_text_before_they_are_cleaned(canary_user: User) -> None:
    assert files_with_canary()
    Conversation.objects.all().delete()
    assert files_with_canary()  # the index, and the journal, still have it


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its index is merged")
def test_a_large_index_is_merged_in_many_steps(
    canary_user: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_conversation(owner, 400)
    for message in Message.objects.filter(owner=owner):
        message.text = " ".join(token_hex(4) for _ in range(40))
        message.save()
    account_deletion.erase_account(canary_user)
    User.objects.filter(pk=canary_user.pk).delete()
    monkeypatch.setattr(index_maintenance, "PAGES", 4)
    merging, steps = index_maintenance.IndexMerge(), 0
    while not merging.step():
        steps += 1
    assert steps > 3
    assert tables_with_canary() == []
    assert index_maintenance.empty_journal()
    assert files_with_canary() == []
    text = Message.objects.filter(owner=owner).exclude(text="").first()
    assert text is not None
    assert search(owner.pk, text.text.split()[0]).hits


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its files are looked into")
def test_the_next_keeper_cleans_the_files_that_an_earlier_one_left(
    canary_user: User,
) -> None:
    account_deletion.erase_account(canary_user)
    while account_deletion.erase_closed_accounts():
        pass
    assert files_with_canary()
    keeper = Keeper()  # of the keeper that comes after
    for _ in range(5):
        keeper.sweep()
    assert files_with_canary() == []


def test_the_file_of_redis_is_rewritten_without_the_text(
    canary_user: User, valkey: Valkey
) -> None:
    valkey.client.config_set("appendonly", "yes")
    folder = Path(valkey.client.config_get("dir")["dir"]) / "appendonlydir"

    def is_written() -> bool:
        while valkey.client.info()["aof_rewrite_in_progress"]:
            sleep(0.01)
        return any(CANARY.encode() in file.read_bytes() for file in folder.iterdir())

    try:
        assert is_written()
        account_deletion.erase_account(canary_user)
        keeper = Keeper()
        for _ in range(9):
            keeper.sweep()
        assert not is_written()
    finally:
        valkey.client.config_set("appendonly", "no")


@pytest.mark.django_db
class TestKeeper:
    def test_only_idle_guests_are_erased(
        self, account: User, owner: User, box: Mailbox, sent, worker: Worker
    ) -> None:
        waits = User.objects.guest(uuid.uuid4())
        sent(owner, "Hello")
        worker.answer("Hi")
        Keeper().sweep()
        sent(waits, "Still")
        here = User.objects.guest(uuid.uuid4())
        long_ago = account.joined_at.replace(year=2020)
        User.objects.exclude(pk=here.pk).update(seen_at=long_ago)
        never_seen = User.objects.guest(uuid.uuid4())
        User.objects.filter(pk=never_seen.pk).update(joined_at=long_ago)
        keeper = Keeper()
        for _ in range(4):
            keeper.sweep()
        assert {*User.objects.all()} == {account, waits, here}

    def test_old_conversations_are_erased_if_a_retention_time_is_set(
        self, account: User, box: Mailbox, sent, worker: Worker, settings: LazySettings
    ) -> None:
        old, waits, _ = (sent(account, text) for text in ("old", "waits", "new"))
        worker.answer("done")
        Keeper().sweep()
        long_ago = account.joined_at.replace(year=2020)
        pks = [reply.message.conversation_id for reply in (old, waits)]
        Conversation.objects.filter(pk__in=pks).update(updated_at=long_ago)
        Keeper().sweep()
        assert Conversation.objects.count() == 3
        settings.RETENTION_DAYS = 30
        Keeper().sweep()
        assert {*Conversation.objects.values_list("title", flat=True)} == {
            "waits",
            "new",
        }

    def test_sessions_and_invitations_that_expired_long_ago_are_removed(
        self, account: User, box: Mailbox, client_of: Callable[[User], Client]
    ) -> None:
        from chat.accounts import invitations

        client_of(account)
        client_of(account)
        gone = Session.objects.first()
        assert gone is not None
        Session.objects.filter(pk=gone.pk).update(expire_date=account.joined_at)
        invitations.create_invitation(None, days=-31)
        invitations.create_invitation(None, days=-1)
        Keeper().sweep()
        assert Session.objects.count() == 1
        assert Invitation.objects.count() == 1
