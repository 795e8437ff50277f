from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from chat.accounts.guest_merge import merge_guest
from chat.keeper import Keeper
from chat.models import (
    Conversation,
    IdempotencyKey,
    Passage,
    Reply,
    Session,
    User,
)
from chat.services.jobs.stop import stop_reply
from chat.services.messages import send_message
from chat.services.search.results import search
from chatsite.mailbox import Mailbox, MissingReply, QueuedReply
from tests.chat.accounts.conftest import Worker, log_in
from tests.chat.accounts.mailbox_replies import mailbox_replies
from tests.chat.pages import poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_after_log_in_the_page_asks_and_merges(
    account: User, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    say(visitor, "There")
    address = log_in(visitor)["Location"]
    page = dom(visitor.get(address))
    assert "Move 2 conversations to your account?" in page.text
    assert "bee" in page.texts("main bdi")
    answer = visitor.post("/account/merge/", {"choice": "take", "next": "/"})
    assert (answer.status_code, answer["Location"]) == (303, "/")
    page = text_of(visitor.get("/"))
    assert "Hello" in page
    assert "There" in page
    assert Conversation.objects.filter(owner=account).count() == 2
    assert visitor.post("/account/merge/", {"choice": "take"}).status_code == 303
    assert visitor.get("/account/merge/").status_code == 303


def test_conversations_not_merged_come_back_after_log_out_only(
    account: User, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    log_in(visitor)
    visitor.post("/account/merge/", {"choice": "leave"})
    assert "Hello" not in text_of(visitor.get("/"))
    assert "1 conversation in this browser" in text_of(visitor.get("/account/"))
    visitor.post("/account/log-out/")
    say(visitor, "Again")
    assert "Hello" in text_of(visitor.get("/"))
    assert Conversation.objects.filter(owner=account).count() == 0


def test_merged_conversations_are_hidden_after_log_out(
    account: User, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    log_in(visitor)
    visitor.post("/account/merge/", {"choice": "take"})
    visitor.post("/account/log-out/")
    assert "Hello" not in text_of(visitor.get("/"))
    say(visitor, "Somebody else")
    assert "Hello" not in text_of(visitor.get("/"))


def test_only_the_guest_of_the_browser_can_be_merged(
    tab: Client, guest: User, sent, account: User
) -> None:
    sent(guest, "Private")
    tab.post("/account/merge/", {"choice": "take", "guest": str(guest.pk)})
    assert not Conversation.objects.filter(owner=account).exists()


def test_only_an_account_can_merge_a_guest(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    answer = visitor.post("/account/merge/", {"choice": "take"})
    assert answer["Location"].startswith("/account/log-in/")


def test_an_account_is_never_merged(account: User, sent) -> None:
    other = User.objects.create_user("wasp")
    sent(other, "Mine")
    assert merge_guest(other.pk, account) == 0
    assert Conversation.objects.get().owner == other


def test_the_account_sees_text_in_progress_at_once(
    account: User,
    visitor: Client,
    say: Callable[..., None],
    worker: Worker,
    box: Mailbox,
    client_of: Callable[[User], Client],
) -> None:
    say(visitor, "Tell me")
    guest = User.objects.get(username=None)
    claim = worker.claim()
    worker.write(claim, "Once ")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    log_in(visitor)
    visitor.post("/account/merge/", {"choice": "take"})
    worker.write(claim, "upon", len("Once "))
    for client in (visitor, client_of(account)):
        answer = client.get(poll_url(page))
        assert answer.status_code == 200
        assert "upon" in text_of(answer)
    (entry,) = mailbox_replies(box, guest, Reply.objects.get())
    assert entry == MissingReply(is_foreign=True)
    worker.finish(claim, "Once upon a time")
    answer = visitor.get(poll_url(page))
    assert "Once upon a time" in text_of(answer)


def test_places_in_the_queue_are_kept(
    guest: User, account: User, box: Mailbox, worker: Worker, sent
) -> None:
    mine = sent(account, "first")
    theirs = sent(guest, "other")
    other = sent(User.objects.guest(uuid.uuid4()), "third")
    before = box.first_in_line("scripted", 9)
    merge_guest(guest.pk, account)
    assert box.first_in_line("scripted", 9) == before
    for entry, ahead in zip(
        mailbox_replies(box, account, mine, theirs), (0, 1), strict=True
    ):
        assert isinstance(entry, QueuedReply)
        assert entry.ahead == ahead
    stop_reply(Reply.objects.with_path().get(pk=theirs.pk))
    assert box.first_in_line("scripted", 9) == [str(mine.pk), str(other.pk)]
    assert [worker.claim().reply for _ in range(2)] == [str(mine.pk), str(other.pk)]


def test_a_merge_gains_no_place_in_the_queue(
    guest: User, account: User, box: Mailbox, sent
) -> None:
    sent(guest, "first")
    sent(guest, "second")
    merge_guest(guest.pk, account)
    other = sent(User.objects.guest(uuid.uuid4()), "other")
    next_one = sent(account, "third")
    line = box.first_in_line("scripted", 9)
    assert line.index(str(other.pk)) < line.index(str(next_one.pk))


def test_a_reply_handed_back_returns_to_the_place_of_the_account(
    guest: User, account: User, box: Mailbox, worker: Worker, sent
) -> None:
    reply = sent(guest, "first")
    claim = worker.claim()
    merge_guest(guest.pk, account)
    assert box.hand_back(claim.reply, claim.token) == "kept"
    (entry,) = mailbox_replies(box, account, reply)
    assert isinstance(entry, QueuedReply)
    assert worker.answer("done").reply == str(reply.pk)


def test_search_finds_merged_messages_for_the_account_only(
    guest: User, account: User, sent
) -> None:
    sent(guest, "the honeycomb")
    merge_guest(guest.pk, account)
    assert len(search(account.pk, "honeycomb").hits) == 1
    assert not search(guest.pk, "honeycomb").hits
    assert not Passage.objects.filter(owner=guest).exists()


def test_of_an_idempotency_key_that_both_used_the_accounts_stays(
    guest: User, account: User, sent
) -> None:
    sent(account, "mine", key="same")
    sent(guest, "theirs", key="same")
    assert merge_guest(guest.pk, account) == 1
    assert send_message(account, "mine", "same").message.parent.text == "mine"
    assert IdempotencyKey.objects.count() == 1


def test_an_idempotency_key_of_the_guest_moves_to_the_account(
    guest: User, account: User, sent
) -> None:
    reply = sent(guest, "theirs", key="same")
    merge_guest(guest.pk, account)
    assert send_message(account, "theirs", "same").pk == reply.pk


def test_settings_of_the_account_stay(guest: User, account: User, sent) -> None:
    User.objects.filter(pk=guest.pk).update(instructions="As a guest")
    User.objects.filter(pk=account.pk).update(instructions="As myself")
    sent(guest, "Hello")
    merge_guest(guest.pk, account)
    account.refresh_from_db()
    assert account.instructions == "As myself"


def test_deleted_conversations_move_too_and_can_be_restored(
    guest: User, account: User, sent, client_of: Callable[[User], Client]
) -> None:
    talk = sent(guest, "Hello").message.conversation
    client_of(guest).post(f"/c/{talk.pk}/delete/")
    merge_guest(guest.pk, account)
    assert client_of(account).post(f"/c/{talk.pk}/restore/").status_code == 303
    assert "Hello" in text_of(client_of(account).get("/"))


def test_the_guest_is_closed_and_erased(
    guest: User, account: User, sent, client_of: Callable[[User], Client], box: Mailbox
) -> None:
    before = client_of(guest)
    sent(guest, "Hello")
    merge_guest(guest.pk, account)
    assert not Session.objects.filter(user=guest).exists()
    assert "Hello" not in text_of(before.get("/"))
    Keeper().sweep()
    assert not User.objects.filter(pk=guest.pk).exists()
    assert Conversation.objects.get().owner == account
