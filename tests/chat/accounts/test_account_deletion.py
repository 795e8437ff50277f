"""Erasing reaches everything: looked for in every table, file and key."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from time import sleep

import pytest
from django.conf import LazySettings
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
from chat.services.search import index_maintenance
from chat.services.search.results import search
from chatsite.mailbox import Mailbox, MailboxAway
from tests.chat.accounts.conftest import PASSWORD, Worker, is_logged_in, log_in
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import text_of
from tests.cookie_names import GUEST
from tests.valkey import Valkey

CANARY = "zwitscherkanarienvogel"


def in_redis(valkey: Valkey) -> list[str]:
    """Keys that name the canary or hold it."""
    client, found = valkey.client, []
    readers = {
        "string": lambda key: [client.get(key)],
        "hash": lambda key: [
            part for pair in client.hgetall(key).items() for part in pair
        ],
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "list": lambda key: client.lrange(key, 0, -1),
    }
    for key in client.keys("*"):
        kind = client.type(key)
        kind = kind.decode() if isinstance(kind, bytes) else kind
        held = [str(part) for part in readers[kind](key)]
        if any(CANARY in text for text in (str(key), *held)):
            found.append(str(key))
    return found


def named_in_redis(valkey: Valkey, name: str) -> list[str]:
    client = valkey.client
    found = []
    for key in client.keys("*"):
        kind = client.type(key)
        kind = kind.decode() if isinstance(kind, bytes) else kind
        read = {
            "string": client.get,
            "hash": client.hgetall,
            "set": client.smembers,
            "zset": lambda key: client.zrange(key, 0, -1),
            "list": lambda key: client.lrange(key, 0, -1),
        }[kind]
        if name in f"{key} {read(key)}":
            found.append(str(key))
    return found


def in_tables() -> list[str]:
    """Tables in which the canary stands, in any column."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            if any(CANARY in str(row).lower() for row in cursor.fetchall()):
                found.append(table)
    return found


def in_files() -> list[str]:
    """Files of SQLite in which it stands, whole or as the index keeps it."""
    name = Path(str(connection.settings_dict["NAME"]))
    files = [name, name.with_name(f"{name.name}-wal")]
    return [
        file.name
        for file in files
        if file.exists() and CANARY.encode() in file.read_bytes().lower()
    ]


@pytest.fixture
def saved(transactional_db: None, box: Mailbox) -> Iterator[None]:
    """Really committed, as files and other connections see it."""
    yield
    Conversation.objects.all().delete()
    User.objects.all().delete()


@pytest.fixture
def wordy(saved: None, worker: Worker, client_of: Callable[[User], Client]) -> User:
    """Somebody whose every text holds the canary, with replies in every state."""
    from chat.services.messages import send_message

    user = User.objects.create_user("bee", PASSWORD, f"{CANARY}@example.org")
    user.instructions = f"Speak of {CANARY}"
    user.save()
    first = send_message(user, f"ended {CANARY}", "one")
    claim = worker.claim()
    worker.finish(claim, f"about {CANARY}")
    Keeper().sweep()
    send_message(user, f"written {CANARY}", "two")
    worker.write(worker.claim(), f"half of {CANARY}")
    waiting = send_message(user, f"waits {CANARY}", "three")
    send_message(user, f"held {CANARY}", "four", waiting.message.conversation)
    client = client_of(user)
    client.post(f"/c/{first.message.conversation_id}/rename/", {"title": CANARY})
    client.get("/")
    return user


def test_an_erased_account_leaves_nothing_anywhere(
    wordy: User, valkey: Valkey, client_of: Callable[[User], Client]
) -> None:
    assert {"chat_message", "chat_passage", "chat_user"} <= {*in_tables()}
    assert in_redis(valkey)
    tab, pk = client_of(wordy), str(wordy.pk)
    answer = tab.post("/account/erase/", {"password": PASSWORD})
    assert answer.status_code == 303
    # The index of SQLite forgets its words once the keeper merges it.
    assert {*in_tables()} <= {"chat_passage_index_data"}
    assert in_redis(valkey) == []
    keeper = Keeper()
    for _ in range(9):
        keeper.sweep()
    assert not User.objects.filter(pk=pk).exists()
    assert not Session.objects.exists()
    assert named_in_redis(valkey, pk) == []
    assert in_tables() == []
    if connection.vendor == "sqlite":
        assert in_files() == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its files are looked into")
def test_files_contain_the_text_before_they_are_cleaned(wordy: User) -> None:
    assert in_files()
    Conversation.objects.all().delete()
    assert in_files()  # the index, and the journal, still have it


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its index is merged")
def test_a_large_index_is_merged_in_many_steps(
    wordy: User, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_conversation(owner, 400)
    for message in Message.objects.filter(owner=owner):
        message.text = " ".join(token_hex(4) for _ in range(40))
        message.save()
    account_deletion.erase_account(wordy)
    User.objects.filter(pk=wordy.pk).delete()
    monkeypatch.setattr(index_maintenance, "PAGES", 4)
    merging, steps = index_maintenance.IndexMerge(), 0
    while not merging.step():
        steps += 1
    assert steps > 3
    assert in_tables() == []
    assert index_maintenance.empty_journal()
    assert in_files() == []
    text = Message.objects.filter(owner=owner).exclude(text="").first()
    assert text is not None
    assert search(owner.pk, text.text.split()[0]).hits


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its files are looked into")
def test_the_next_keeper_cleans_the_files_that_an_earlier_one_left(
    wordy: User,
) -> None:
    account_deletion.erase_account(wordy)
    while account_deletion.erase_closed_accounts():
        pass
    assert in_files()
    keeper = Keeper()  # of the keeper that comes after
    for _ in range(5):
        keeper.sweep()
    assert in_files() == []


def test_the_file_of_redis_is_rewritten_without_the_text(
    wordy: User, valkey: Valkey
) -> None:
    valkey.client.config_set("appendonly", "yes")
    folder = Path(valkey.client.config_get("dir")["dir"]) / "appendonlydir"

    def is_written() -> bool:
        while valkey.client.info()["aof_rewrite_in_progress"]:
            sleep(0.01)
        return any(CANARY.encode() in file.read_bytes() for file in folder.iterdir())

    try:
        assert is_written()
        account_deletion.erase_account(wordy)
        keeper = Keeper()
        for _ in range(9):
            keeper.sweep()
        assert not is_written()
    finally:
        valkey.client.config_set("appendonly", "no")


def test_text_that_a_worker_writes_after_erasing_is_refused(
    saved: None, worker: Worker, valkey: Valkey
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
    assert in_redis(valkey) == []
    assert not valkey.client.keys("mailbox:reply:*")


@pytest.mark.django_db
def test_erasing_asks_for_the_password(tab: Client, account: User) -> None:
    for password in ("", "wrong"):
        answer = tab.post("/account/erase/", {"password": password})
        assert answer.status_code == 422
    assert "This is not your password." in text_of(answer)
    assert is_logged_in(tab)
    account.refresh_from_db()
    assert account.closed_at is None


@pytest.mark.django_db
def test_the_page_says_how_much_is_erased_and_that_it_was_done(
    tab: Client, account: User, sent
) -> None:
    sent(account, "Hello")
    page = text_of(tab.get("/account/erase/"))
    assert "1 conversation is erased for good" in page
    answer = tab.post("/account/erase/", {"password": PASSWORD}, follow=True)
    assert "It is erased." in text_of(answer)
    assert not Conversation.objects.exists()
    assert not is_logged_in(tab)
    assert log_in(Client()).status_code == 422
    User.objects.create_user("bee", PASSWORD)  # the name is free again


@pytest.mark.django_db
def test_a_guest_erases_everything_of_the_browser(
    newcomer: Client, say: Callable[..., None]
) -> None:
    say(newcomer, "Hello")
    before = newcomer.cookies[GUEST].value
    assert "Erase everything of this browser?" in text_of(
        newcomer.get("/account/erase/")
    )
    answer = newcomer.post("/account/erase/", follow=True)
    assert "It is erased." in text_of(answer)
    assert not Message.objects.exists()
    assert newcomer.cookies[GUEST].value != before
    say(newcomer, "Anew")
    assert "Hello" not in text_of(newcomer.get("/"))


@pytest.mark.django_db
def test_the_cookie_of_an_erased_guest_makes_another_guest(
    newcomer: Client, say: Callable[..., None]
) -> None:
    say(newcomer, "Hello")
    old = newcomer.cookies[GUEST].value
    User.objects.get().close()
    other = Client()
    other.cookies[GUEST] = old
    say(other, "Anew")
    assert User.objects.filter(is_active=True).count() == 1


@pytest.mark.django_db
def test_a_visitor_without_messages_has_nothing_to_erase(newcomer: Client) -> None:
    assert "nothing to erase" in text_of(newcomer.get("/account/erase/"))
    assert newcomer.post("/account/erase/").status_code == 200


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
    assert in_tables() == []
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


# What the keeper erases by itself


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
        from chat.models import Invitation

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
