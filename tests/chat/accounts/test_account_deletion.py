"""Erasing an account removes its texts from every table, file and key."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client

from chat.accounts import account_deletion
from chat.keeper import Keeper
from chat.models import (
    Conversation,
    Invitation,
    Message,
    Passage,
    Reply,
    Session,
    User,
)
from chatsite.mailbox import Mailbox, MailboxAway
from tests.chat.accounts.canary import (
    CANARY,
    files_with_canary,
    redis_keys_with,
    tables_with_canary,
)
from tests.chat.accounts.conftest import PASSWORD, Worker, is_logged_in, log_in
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import text_of
from tests.cookie_names import GUEST
from tests.valkey import Valkey


def test_an_erased_account_leaves_nothing_anywhere(
    canary_user: User, valkey: Valkey, client_of: Callable[[User], Client]
) -> None:
    assert {"chat_message", "chat_passage", "chat_user"} <= {*tables_with_canary()}
    assert redis_keys_with(valkey)
    tab, pk = client_of(canary_user), str(canary_user.pk)
    answer = tab.post("/account/erase/", {"password": PASSWORD})
    assert answer.status_code == 303
    # The index of SQLite has the words until the keeper merges it.
    assert {*tables_with_canary()} <= {"chat_passage_index_data"}
    assert redis_keys_with(valkey) == []
    keeper = Keeper()
    for _ in range(9):
        keeper.sweep()
    assert not User.objects.filter(pk=pk).exists()
    assert not Session.objects.exists()
    assert redis_keys_with(valkey, pk) == []
    assert tables_with_canary() == []
    if connection.vendor == "sqlite":
        assert files_with_canary() == []


def test_text_that_a_worker_writes_after_erasing_is_refused(
    saved_rows: None, worker: Worker, valkey: Valkey
) -> None:
    from chat.services.messages import send_message

    user = User.objects.guest(uuid.uuid4())
    send_message(user, "Tell me", "one")
    claim = worker.claim()
    worker.write(claim, "Once")
    account_deletion.erase_account(user)
    assert worker.write(claim, f" {CANARY}", 4) == "refused"
    assert worker.finish(claim, CANARY) == "refused"
    Keeper().sweep()
    assert redis_keys_with(valkey) == []
    assert not valkey.client.keys("mailbox:reply:*")


@pytest.mark.django_db
def test_erasing_asks_for_the_password(tab: Client, account: User) -> None:
    for password in ("", "wrong"):
        answer = tab.post("/account/erase/", {"password": password})
        assert answer.status_code == 422
    assert "Wrong password." in text_of(answer)
    assert is_logged_in(tab)
    account.refresh_from_db()
    assert account.closed_at is None


@pytest.mark.django_db
def test_the_page_says_how_much_is_erased_and_that_it_was_done(
    tab: Client, account: User, sent
) -> None:
    sent(account, "Hello")
    page = text_of(tab.get("/account/erase/"))
    assert "permanently deletes 1 conversation" in page
    answer = tab.post("/account/erase/", {"password": PASSWORD}, follow=True)
    assert "Everything was deleted" in text_of(answer)
    assert not Conversation.objects.exists()
    assert not is_logged_in(tab)
    assert log_in(Client()).status_code == 422
    User.objects.create_user("bee", PASSWORD)  # the name is free again


@pytest.mark.django_db
def test_a_guest_erases_everything_of_the_browser(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    before = visitor.cookies[GUEST].value
    assert "Delete all your data?" in text_of(visitor.get("/account/erase/"))
    answer = visitor.post("/account/erase/", follow=True)
    assert "Everything was deleted" in text_of(answer)
    assert not Message.objects.exists()
    assert visitor.cookies[GUEST].value != before
    say(visitor, "Anew")
    assert "Hello" not in text_of(visitor.get("/"))


@pytest.mark.django_db
def test_the_cookie_of_an_erased_guest_makes_another_guest(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    old = visitor.cookies[GUEST].value
    User.objects.get().close()
    other = Client()
    other.cookies[GUEST] = old
    say(other, "Anew")
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.django_db
def test_a_visitor_without_messages_has_nothing_to_erase(visitor: Client) -> None:
    assert "nothing to delete" in text_of(visitor.get("/account/erase/"))
    assert visitor.post("/account/erase/").status_code == 200


@pytest.mark.django_db
def test_notes_of_the_admin_no_longer_name_an_erased_user(
    tab: Client, account: User, box: Mailbox
) -> None:
    staff = User.objects.create_superuser("hive", PASSWORD)
    LogEntry.objects.create(
        user=staff, object_id=str(account.pk), object_repr=CANARY, action_flag=2
    )
    now = account.joined_at
    Invitation.objects.create(
        digest="x", note=CANARY, expires_at=now, used_at=now, used_by=account
    )
    tab.post("/account/erase/", {"password": PASSWORD})
    keeper = Keeper()
    for _ in range(3):
        keeper.sweep()
    assert tables_with_canary() == []
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db
def test_data_of_other_users_stays(tab: Client, owner: User, sent) -> None:
    sent(owner, "Theirs")
    tab.post("/account/erase/", {"password": PASSWORD})
    Keeper().sweep()
    assert Message.objects.filter(owner=owner).count() == 2
    assert Passage.objects.filter(owner=owner).exists()


@pytest.mark.django_db
def test_without_redis_everything_is_hidden_at_once_and_erased_later(
    tab: Client, account: User, valkey: Valkey, box: Mailbox, sent
) -> None:
    sent(account, "Hello")
    valkey.stop()
    try:
        tab.post("/account/erase/", {"password": PASSWORD})
        with pytest.raises(MailboxAway):
            account_deletion.erase_closed_accounts()
        assert not Conversation.objects.not_deleted().exists()
    finally:
        valkey.start()
    box.connection.forgive()
    keeper = Keeper()
    for _ in range(3):
        keeper.sweep()
    assert not User.objects.exists()
    assert not Reply.objects.exists()


@pytest.mark.django_db
def test_a_long_history_is_erased_in_batches(
    account: User, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_deletion, "CONVERSATIONS_PER_BATCH", 2)
    monkeypatch.setattr(account_deletion, "BATCHES_IN_REQUEST", 2)
    long_conversation(account, 300)
    for number in range(8):
        Conversation.objects.create(owner=account, title=str(number))
    account_deletion.erase_account(account)
    assert Conversation.objects.count() == 5
    keeper = Keeper()
    for _ in range(4):
        keeper.sweep()
    assert not User.objects.exists()
