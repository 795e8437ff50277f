"""The admin, as support uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.accounts.account_deletion import erase_closed_accounts
from chat.models import Conversation, Invitation, Message, Reply, Session, User
from chat.services.session_digest import session_digest
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

USERS = "/admin/chat/user/"
CONVERSATIONS = "/admin/chat/conversation/"
REPLIES = "/admin/chat/reply/"
SESSIONS = "/admin/chat/session/"
LISTS = (USERS, CONVERSATIONS, REPLIES, SESSIONS, "/admin/chat/invitation/")
#: Two of a request's own (session, user), its filters, its page, and its count.
QUERIES = 8


def account(name: str, **fields: Any) -> User:
    user = User(username=name, **fields)
    user.set_unusable_password()
    user.save()
    return user


@pytest.fixture
def root(box: Mailbox) -> User:
    return account("root", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(root: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(root)


@pytest.fixture
def ada(db: None) -> User:
    return account("ada", email="ada@example.org")


def rows(response: Any) -> int:
    assert response.status_code == 200
    return int(response.context["cl"].result_count)


def act(desk: Client, path: str, action: str, *pks: Any, **more: Any) -> Any:
    form = {"action": action, "_selected_action": [str(pk) for pk in pks], **more}
    return desk.post(path, form, follow=True)


def change(desk: Client, user: User, **fields: Any) -> Any:
    form = {"email": user.email, "is_active": "on", "limits": "{}", **fields}
    return desk.post(f"{USERS}{user.pk}/change/", form, follow=True)


# Finding people


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
        ("/admin/chat/invitation/", "digest__startswith"),
    ],
)
def test_filters_cannot_reveal_a_value_letter_by_letter(
    desk: Client, path: str, column: str
) -> None:
    """A key of a session opens an account to whoever may only look at the list."""
    assert desk.get(path, {column: "a"}).status_code == 400


@pytest.mark.parametrize("typed", ["ada", "ADA", "ada@exam", "id", "hex"])
def test_a_user_is_found_by_name_address_or_id(
    desk: Client, ada: User, owner: User, typed: str
) -> None:
    typed = {"id": str(ada.pk), "hex": ada.pk.hex}.get(typed, typed)
    found = desk.get(USERS, {"q": typed})
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
    desk: Client, ada: User, owner: User, query: dict[str, str], count: int
) -> None:
    assert rows(desk.get(USERS, query)) == count


def test_the_list_counts_what_a_user_has(
    desk: Client, ada: User, sent: Any, worker: Worker, committed: Any
) -> None:
    first = sent(ada)
    with committed():
        worker.answer("fine")
    from chat.services.jobs.collect import collect

    collect(str(first.pk))
    sent(ada)
    sent(ada)
    (listed,) = desk.get(USERS, {"q": "ada"}).context["cl"].result_list
    assert (listed.conversation_count, listed.waiting_count) == (3, 2)
    assert listed.token_count == 7
    long_ago = timezone.now() - timedelta(hours=25)
    Reply.objects.filter(pk=first.pk).update(finished_at=long_ago)
    (listed,) = desk.get(USERS, {"q": "ada"}).context["cl"].result_list
    assert listed.token_count == 0


def test_lists_cost_a_bounded_number_of_queries(
    desk: Client, django_assert_max_num_queries: DjangoAssertNumQueries
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
    # The first request of a session also notes who is here, with a savepoint in a test.
    desk.get("/")
    for path in LISTS:
        with django_assert_max_num_queries(QUERIES):
            response = desk.get(path)
        assert len(response.context["cl"].result_list) == 50


# Changing them


def test_limits_are_saved_as_entered(desk: Client, ada: User) -> None:
    change(desk, ada, limits='{"prompts_per_day": 500, "tokens_per_day": null}')
    ada.refresh_from_db()
    assert ada.limits == {"prompts_per_day": 500, "tokens_per_day": None}
    change(desk, ada, limits="")
    ada.refresh_from_db()
    assert ada.limits == {}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{prompts: 5}", "Enter a valid JSON"),
        ("[1]", "Write limits as"),
        ('{"prompts": 5}', "There is no limit"),
        ('{"prompts_per_day": 0}', "must be a whole number"),
        ('{"prompts_per_day": true}', "must be a whole number"),
        ('{"prompts_per_day": "many"}', "must be a whole number"),
    ],
)
def test_wrong_limits_are_refused_and_the_input_stays(
    desk: Client, ada: User, typed: str, said: str
) -> None:
    refused = change(desk, ada, limits=typed)
    assert said in text_of(refused)
    assert refused.context["adminform"].form["limits"].value() == typed
    ada.refresh_from_db()
    assert ada.limits == {}


def test_a_user_made_inactive_is_logged_out_at_once(
    desk: Client, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(ada)
    poll = poll_url(tab.get("/"))
    assert tab.get(poll).status_code == 200
    change(desk, ada, is_active="")
    assert not Session.objects.filter(user=ada).exists()
    assert tab.get(poll).status_code == 404


def test_saving_a_user_writes_changed_fields_only(desk: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(instructions="Be brief.", limits={"x": 1})
    page = desk.get(f"{USERS}{ada.pk}/change/")
    assert "Be brief." not in text_of(page)
    change(desk, ada, email="new@example.org", limits='{"prompts_per_day": 5}')
    ada.refresh_from_db()
    assert (ada.instructions, ada.email) == ("Be brief.", "new@example.org")


def test_two_accounts_cannot_share_an_address(desk: Client, ada: User) -> None:
    account("grace", email="grace@example.org")
    refused = change(desk, ada, email="GRACE@example.org")
    assert refused.context["adminform"].form.errors
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_editors_cannot_take_their_own_rights(desk: Client, root: User) -> None:
    refused = change(desk, root, is_staff="on")
    assert "Nobody takes their own rights" in text_of(refused)
    root.refresh_from_db()
    assert root.is_superuser


def test_a_guest_gets_neither_rights_nor_an_address(desk: Client, owner: User) -> None:
    change(desk, owner, email="somebody@example.org", is_staff="on", is_superuser="on")
    owner.refresh_from_db()
    assert (owner.email, owner.is_staff, owner.is_superuser) == ("", False, False)


def test_nothing_is_added_or_deleted_by_hand(desk: Client, ada: User) -> None:
    for path in LISTS:
        assert desk.get(f"{path}add/").status_code in (403, 404)
        assert "delete_selected" not in text_of(desk.get(path))
    assert desk.post(f"{USERS}{ada.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=ada.pk).exists()
    change(desk, ada, closed_at_0="2026-01-01", closed_at_1="00:00")
    ada.refresh_from_db()
    assert ada.closed_at is None


def test_the_history_says_what_was_changed_without_names(
    desk: Client, ada: User
) -> None:
    change(desk, ada, limits='{"prompts_per_day": 123454321}')
    entry = LogEntry.objects.get()
    assert entry.object_repr == str(ada.pk)
    assert "Limits" in entry.change_message
    assert "123454321" not in entry.change_message


def test_a_user_is_logged_out_everywhere(
    desk: Client, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab, other = client_of(ada), client_of(ada)
    poll = poll_url(tab.get("/"))
    assert tab.get(poll).status_code == 200
    done = act(desk, USERS, "sign_out_everywhere", ada.pk)
    assert "2 sessions were ended." in text_of(done)
    assert tab.get(poll).status_code == 404
    assert other.get("/settings/").wsgi_request.user.is_anonymous


def test_a_link_to_a_new_password_is_shown_once_to_a_superuser(
    desk: Client, ada: User, owner: User, client_of: Callable[[User], Client]
) -> None:
    made = desk.post(f"{USERS}{ada.pk}/reset-link/")
    link = dom(made).one("#link")["href"]
    assert "no-store" in made.headers["Cache-Control"]
    assert Client().get(link, follow=True).status_code == 200
    assert link not in str(LogEntry.objects.values_list("change_message"))
    assert desk.get(f"{USERS}{ada.pk}/reset-link/").status_code == 404
    assert desk.post(f"{USERS}{owner.pk}/reset-link/").status_code == 404
    helper = with_rights("view_user", "change_user")
    refused = client_of(helper).post(f"{USERS}{ada.pk}/reset-link/")
    assert refused.status_code == 403


def test_a_user_is_closed_and_erased_after_confirmation(
    desk: Client, root: User, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(ada)
    asked = act(desk, USERS, "close_and_erase", ada.pk, root.pk)
    assert "erased for good" in text_of(asked)
    ada.refresh_from_db()
    assert ada.closed_at is None
    act(desk, USERS, "close_and_erase", ada.pk, root.pk, confirmed="yes")
    ada.refresh_from_db()
    root.refresh_from_db()
    assert ada.closed_at is not None
    assert root.closed_at is None
    assert tab.get("/settings/").wsgi_request.user.is_anonymous
    # What is being erased is nobody's to change.
    assert desk.post(f"{USERS}{ada.pk}/change/", {"limits": "{}"}).status_code == 403


# What they have


def test_conversations_are_found_by_id_and_owner_but_not_by_text(
    desk: Client, ada: User, sent: Any
) -> None:
    conversation = sent(ada, "a confidential matter").message.conversation
    for typed in (str(conversation.pk), "ada", str(ada.pk)):
        assert rows(desk.get(CONVERSATIONS, {"q": typed})) == 1
    for typed in ("confidential", "matter"):
        found = desk.get(CONVERSATIONS, {"q": typed})
        assert rows(found) == 0
    page = desk.get(f"{CONVERSATIONS}{conversation.pk}/change/")
    assert page.status_code == 200
    assert "confidential" not in text_of(page)


def test_deleting_conversations_stops_their_replies_and_can_be_undone(
    desk: Client, ada: User, sent: Any, committed: Any
) -> None:
    reply = sent(ada)
    pk = reply.message.conversation_id
    with committed():
        act(desk, CONVERSATIONS, "delete_with_undo", pk)
    reply.refresh_from_db()
    assert reply.state == wire.State.STOPPED
    assert not Conversation.objects.not_deleted().exists()
    assert rows(desk.get(CONVERSATIONS, {"deleted_at__isempty": "0"})) == 1
    act(desk, CONVERSATIONS, "restore", pk)
    assert Conversation.objects.not_deleted().filter(pk=pk).exists()


def test_replies_are_filtered_by_their_outcome(
    desk: Client, ada: User, sent: Any
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
        found = desk.get(REPLIES, query)
        assert [row.pk for row in found.context["cl"].result_list] == [failed.pk]
    assert rows(desk.get(REPLIES, {"q": "ada", "model": "scripted"})) == 2
    page = text_of(desk.get(f"{REPLIES}{failed.pk}/change/"))
    assert "worker_lost" in page
    assert "confidential" not in page
    act(desk, REPLIES, "stop", failed.pk, waiting.pk)
    waiting.refresh_from_db()
    failed.refresh_from_db()
    assert (waiting.state, failed.state) == ("stopped", "failed")


def links_of(page: Any) -> list[str]:
    return dom(page).values('a[href^="/admin/chat/"]', "href")


def test_pages_of_a_user_and_the_users_rows_link_to_each_other(
    desk: Client, ada: User, sent: Any, client_of: Callable[[User], Client]
) -> None:
    client_of(ada)
    sent(account("grace"))
    reply = sent(ada)
    talk = reply.message.conversation_id
    person = f"{USERS}{ada.pk}/change/"
    theirs = [f"{path}?q={ada.pk}" for path in (CONVERSATIONS, REPLIES, SESSIONS)]
    assert {*theirs} <= {*links_of(desk.get(person))}
    for path in theirs:
        found = desk.get(path)
        assert rows(found) == 1
        assert person in links_of(found)
    of_talk = links_of(desk.get(f"{CONVERSATIONS}{talk}/change/"))
    assert {person, f"{REPLIES}?q={talk}"} <= {*of_talk}
    assert rows(desk.get(f"{REPLIES}?q={talk}")) == 1
    of_reply = links_of(desk.get(f"{REPLIES}{reply.pk}/change/"))
    assert {person, f"{CONVERSATIONS}{talk}/change/"} <= {*of_reply}


def test_users_without_a_name_are_shown_as_guests_or_erased(
    desk: Client, ada: User, owner: User, sent: Any
) -> None:
    sent(ada)
    assert f"guest {owner.pk.hex[:8]}…" in text_of(desk.get(USERS))
    act(desk, USERS, "close_and_erase", ada.pk, confirmed="yes")
    closed = f"being erased {ada.pk.hex[:8]}…"
    assert closed in text_of(desk.get(USERS))
    assert closed in text_of(desk.get(CONVERSATIONS))
    assert "guest" not in text_of(desk.get(f"{USERS}{ada.pk}/change/"))
    assert f"being erased {ada.pk}" in text_of(desk.get(f"{USERS}{ada.pk}/change/"))
    while erase_closed_accounts():
        pass
    assert "somebody erased" in dom(desk.get("/admin/")).texts("a")


def test_sessions_are_ended_without_showing_their_keys(
    desk: Client, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(ada)
    key = str(tab.session.session_key)
    listed = desk.get(SESSIONS, {"q": "ada"})
    assert rows(listed) == 1
    assert key not in text_of(listed)
    assert session_digest(key) in text_of(listed)
    act(desk, SESSIONS, "end", key)  # a key is no name of a session
    assert Session.objects.filter(pk=key).exists()
    ended = act(desk, SESSIONS, "end", session_digest(key))
    assert "1 session was ended." in text_of(ended)
    assert not Session.objects.filter(pk=key).exists()
    assert key not in str(LogEntry.objects.values_list("object_id", "change_message"))


# Who may


def with_rights(*names: str) -> User:
    user = account("helper", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def test_staff_without_permissions_see_nothing(
    box: Mailbox, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(with_rights())
    assert "permission to view or edit anything" in text_of(tab.get("/admin/"))
    for path in LISTS:
        assert tab.get(path).status_code == 403


def test_staff_with_view_permission_change_nothing(
    box: Mailbox, ada: User, sent: Any, client_of: Callable[[User], Client]
) -> None:
    models = ("user", "conversation", "reply", "session", "invitation")
    tab = client_of(with_rights(*(f"view_{model}" for model in models)))
    pk = sent(ada).message.conversation_id
    for path in LISTS:
        page = tab.get(path)
        assert page.status_code == 200
        assert "[name=action]" not in dom(page)
    assert change(tab, ada, limits='{"prompts_per_day": 5}').status_code == 403
    act(tab, CONVERSATIONS, "delete_with_undo", pk)
    act(tab, USERS, "sign_out_everywhere", ada.pk)
    assert Conversation.objects.not_deleted().filter(pk=pk).exists()
    ada.refresh_from_db()
    assert ada.limits == {}


def test_staff_who_may_change_users_gain_no_rights(
    root: User, ada: User, client_of: Callable[[User], Client]
) -> None:
    helper = with_rights("view_user", "change_user")
    tab, theirs = client_of(helper), client_of(root)
    change(
        tab, ada, limits='{"prompts_per_day": 5}', is_superuser="on", email="x@y.org"
    )
    ada.refresh_from_db()
    assert ada.limits == {"prompts_per_day": 5}
    assert (ada.is_superuser, ada.email) == (False, "ada@example.org")
    for higher in (root, helper):
        assert change(tab, higher, email="x@example.org").status_code == 403
    act(tab, USERS, "sign_out_everywhere", root.pk)
    assert theirs.get("/admin/").status_code == 200
    assert "close_and_erase" not in text_of(tab.get(USERS))


def test_users_who_are_not_staff_are_sent_to_log_in(
    box: Mailbox, ada: User, client_of: Callable[[User], Client]
) -> None:
    for path in ("/admin/", *LISTS):
        assert client_of(ada).get(path).url.startswith("/admin/login/")


def test_an_unreadable_log_out_request_logs_no_user_out(desk: Client) -> None:
    answer = desk.post(f"/admin/logout/?{'a&' * 1001}")
    assert answer.status_code == 400
    assert desk.get("/admin/").status_code == 200
    assert desk.post("/admin/logout/").status_code == 200
    assert desk.get("/admin/").status_code == 302
