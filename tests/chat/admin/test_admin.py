"""The lists of the admin: search, filters, counts, actions and links."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.accounts.account_deletion import erase_closed_accounts
from chat.accounts.api_keys import key_of, make_key
from chat.models import Conversation, Invitation, Message, Reply, Session, User
from chat.services.session_digest import session_digest
from chat.services.webhooks.endpoints import make_endpoint
from chatsite import wire
from tests.chat.admin.conftest import (
    CONVERSATIONS,
    KEYS,
    LISTS,
    REPLIES,
    SESSIONS,
    USERS,
    make_account,
    row_count,
    run_action,
)
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db
#: Session and user, the filters, the page and the count.
QUERIES = 8


@pytest.mark.parametrize(
    ("path", "column"),
    [
        (SESSIONS, "session_key__startswith"),
        (SESSIONS, "session_data__startswith"),
        (SESSIONS, "user__password__startswith"),
        (CONVERSATIONS, "title__startswith"),
        (CONVERSATIONS, "instructions__contains"),
        (CONVERSATIONS, "owner__instructions__contains"),
        (USERS, "password__startswith"),
        (USERS, "instructions__contains"),
        (REPLIES, "message__text__contains"),
        (REPLIES, "instructions__contains"),
        (KEYS, "digest__startswith"),
        (KEYS, "name__startswith"),
        ("/admin/chat/invitation/", "digest__startswith"),
    ],
)
def test_filters_cannot_reveal_a_value_letter_by_letter(
    superuser_client: Client, path: str, column: str
) -> None:
    """Staff who may only view the list could use a session key to enter an account."""
    assert superuser_client.get(path, {column: "a"}).status_code == 400


@pytest.mark.parametrize("typed", ["ada", "ADA", "ada@exam", "id", "hex"])
def test_a_user_is_found_by_name_address_or_id(
    superuser_client: Client, ada: User, owner: User, typed: str
) -> None:
    typed = {"id": str(ada.pk), "hex": ada.pk.hex}.get(typed, typed)
    found = superuser_client.get(USERS, {"q": typed})
    assert [user.pk for user in found.context["cl"].result_list] == [ada.pk]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"kind": "guest"}, 1),
        ({"kind": "account"}, 2),
        ({"is_staff__exact": "1"}, 1),
        ({"is_active__exact": "0"}, 0),
        ({"closed_at__isempty": "0"}, 0),
        ({"joined_at__gte": "2020-01-01 00:00:00+00:00"}, 3),
        ({"seen_at__isnull": "True"}, 3),
    ],
)
def test_users_are_filtered(
    superuser_client: Client, ada: User, owner: User, query: dict[str, str], count: int
) -> None:
    assert row_count(superuser_client.get(USERS, query)) == count


def test_the_list_counts_what_a_user_has(
    superuser_client: Client, ada: User, sent: Any, worker: Worker, committed: Any
) -> None:
    first = sent(ada)
    with committed():
        worker.answer("fine")
    from chat.services.jobs.collect import collect

    collect(str(first.pk))
    sent(ada)
    sent(ada)
    (listed,) = superuser_client.get(USERS, {"q": "ada"}).context["cl"].result_list
    assert (listed.conversation_count, listed.waiting_count) == (3, 2)
    assert listed.token_count == 7
    long_ago = timezone.now() - timedelta(hours=25)
    Reply.objects.filter(pk=first.pk).update(finished_at=long_ago)
    (listed,) = superuser_client.get(USERS, {"q": "ada"}).context["cl"].result_list
    assert listed.token_count == 0


def test_lists_cost_a_bounded_number_of_queries(
    superuser_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    users = User.objects.bulk_create(User(username=f"u{n}") for n in range(50))
    talks = Conversation.objects.bulk_create(
        Conversation(owner=users[n % 50], title="…") for n in range(500)
    )
    prompts = Message.objects.bulk_create(
        Message(conversation=talk, owner=talk.owner, role="assistant") for talk in talks
    )
    Reply.objects.bulk_create(
        Reply(message=message, model="scripted", seed=1) for message in prompts
    )
    for user in users:
        Client().force_login(user)
        Invitation.objects.create(
            digest=user.pk.hex, created_by=user, expires_at=timezone.now()
        )
        make_key(user, "a program")
        make_endpoint(user, url="https://example.org/", events=["reply.done"])
    # The first request of a session also notes the visit, in a test with a savepoint.
    superuser_client.get("/")
    for path in LISTS:
        with django_assert_max_num_queries(QUERIES):
            response = superuser_client.get(path)
        assert len(response.context["cl"].result_list) == 50


def test_conversations_are_found_by_id_and_owner_but_not_by_text(
    superuser_client: Client, ada: User, sent: Any
) -> None:
    conversation = sent(ada, "a confidential matter").message.conversation
    for typed in (str(conversation.pk), "ada", str(ada.pk)):
        assert row_count(superuser_client.get(CONVERSATIONS, {"q": typed})) == 1
    for typed in ("confidential", "matter"):
        found = superuser_client.get(CONVERSATIONS, {"q": typed})
        assert row_count(found) == 0
    page = superuser_client.get(f"{CONVERSATIONS}{conversation.pk}/change/")
    assert page.status_code == 200
    assert "confidential" not in text_of(page)


def test_deleting_conversations_stops_their_replies_and_can_be_undone(
    superuser_client: Client, ada: User, sent: Any, committed: Any
) -> None:
    reply = sent(ada)
    pk = reply.message.conversation_id
    with committed():
        run_action(superuser_client, CONVERSATIONS, "delete_with_undo", pk)
    reply.refresh_from_db()
    assert reply.state == wire.State.STOPPED
    assert not Conversation.objects.not_deleted().exists()
    assert (
        row_count(superuser_client.get(CONVERSATIONS, {"deleted_at__isempty": "0"}))
        == 1
    )
    run_action(superuser_client, CONVERSATIONS, "restore", pk)
    assert Conversation.objects.not_deleted().filter(pk=pk).exists()


def test_replies_are_filtered_by_their_outcome(
    superuser_client: Client, ada: User, sent: Any
) -> None:
    failed, waiting = sent(ada, "a confidential matter"), sent(ada)
    Reply.objects.filter(pk=failed.pk).update(
        state="failed", error="worker_lost", losses=3, worker="w7"
    )
    for query in (
        {"state__exact": "failed"},
        {"error": "worker_lost"},
        {"lost": "1"},
        {"q": "w7"},
        {"q": str(failed.pk)},
        {"q": str(failed.message.conversation_id)},
    ):
        found = superuser_client.get(REPLIES, query)
        assert [row.pk for row in found.context["cl"].result_list] == [failed.pk]
    assert (
        row_count(superuser_client.get(REPLIES, {"q": "ada", "model": "scripted"})) == 2
    )
    page = text_of(superuser_client.get(f"{REPLIES}{failed.pk}/change/"))
    assert "worker_lost" in page
    assert "confidential" not in page
    run_action(superuser_client, REPLIES, "stop", failed.pk, waiting.pk)
    waiting.refresh_from_db()
    failed.refresh_from_db()
    assert (waiting.state, failed.state) == ("stopped", "failed")


def links_of(page: Any) -> list[str]:
    return dom(page).values('a[href^="/admin/chat/"]', "href")


def test_pages_of_a_user_and_the_users_rows_link_to_each_other(
    superuser_client: Client, ada: User, sent: Any, client_of: Callable[[User], Client]
) -> None:
    client_of(ada)
    sent(make_account("grace"))
    reply = sent(ada)
    talk = reply.message.conversation_id
    person = f"{USERS}{ada.pk}/change/"
    theirs = [f"{path}?q={ada.pk}" for path in (CONVERSATIONS, REPLIES, SESSIONS)]
    assert {*theirs} <= {*links_of(superuser_client.get(person))}
    for path in theirs:
        found = superuser_client.get(path)
        assert row_count(found) == 1
        assert person in links_of(found)
    of_talk = links_of(superuser_client.get(f"{CONVERSATIONS}{talk}/change/"))
    assert {person, f"{REPLIES}?q={talk}"} <= {*of_talk}
    assert row_count(superuser_client.get(f"{REPLIES}?q={talk}")) == 1
    of_reply = links_of(superuser_client.get(f"{REPLIES}{reply.pk}/change/"))
    assert {person, f"{CONVERSATIONS}{talk}/change/"} <= {*of_reply}


def test_users_without_a_name_are_shown_as_guests_or_erased(
    superuser_client: Client, ada: User, owner: User, sent: Any
) -> None:
    sent(ada)
    assert f"guest {owner.pk.hex[:8]}…" in text_of(superuser_client.get(USERS))
    run_action(superuser_client, USERS, "close_and_erase", ada.pk, confirmed="yes")
    closed = f"being deleted {ada.pk.hex[:8]}…"
    assert closed in text_of(superuser_client.get(USERS))
    assert closed in text_of(superuser_client.get(CONVERSATIONS))
    assert "guest" not in text_of(superuser_client.get(f"{USERS}{ada.pk}/change/"))
    assert f"being deleted {ada.pk}" in text_of(
        superuser_client.get(f"{USERS}{ada.pk}/change/")
    )
    while erase_closed_accounts():
        pass
    assert "a deleted user" in dom(superuser_client.get("/admin/")).texts("a")


def test_sessions_are_ended_without_showing_their_keys(
    superuser_client: Client, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(ada)
    key = str(tab.session.session_key)
    listed = superuser_client.get(SESSIONS, {"q": "ada"})
    assert row_count(listed) == 1
    assert key not in text_of(listed)
    assert session_digest(key) in text_of(listed)
    run_action(superuser_client, SESSIONS, "end", key)  # a key is no name of a session
    assert Session.objects.filter(pk=key).exists()
    ended = run_action(superuser_client, SESSIONS, "end", session_digest(key))
    assert "1 session was ended." in text_of(ended)
    assert not Session.objects.filter(pk=key).exists()
    assert key not in str(LogEntry.objects.values_list("object_id", "change_message"))


def test_a_key_is_shown_without_its_secret_and_can_be_revoked(
    superuser_client: Client, ada: User
) -> None:
    key, secret = make_key(ada, "Of the choir")
    pages = [
        text_of(superuser_client.get(path))
        for path in (KEYS, f"{KEYS}{key.pk}/change/")
    ]
    for page in pages:
        assert key.prefix in page
        assert "choir" not in page
        assert key.digest not in page
    said = text_of(run_action(superuser_client, KEYS, "revoke", key.pk))
    assert "1 key was revoked." in said
    assert key_of(secret) is None
