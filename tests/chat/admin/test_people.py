"""Users in the admin: changes, limits, rights, log-out and erasing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from chat.models import Session, User
from tests.chat.admin.conftest import (
    LISTS,
    USERS,
    make_account,
    run_action,
    save_user,
    staff_with,
)
from tests.chat.pages import poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_limits_are_saved_as_entered(superuser_client: Client, ada: User) -> None:
    save_user(
        superuser_client, ada, limits='{"prompts_per_day": 500, "tokens_per_day": null}'
    )
    ada.refresh_from_db()
    assert ada.limits == {"prompts_per_day": 500, "tokens_per_day": None}
    save_user(superuser_client, ada, limits="")
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
    superuser_client: Client, ada: User, typed: str, said: str
) -> None:
    refused = save_user(superuser_client, ada, limits=typed)
    assert said in text_of(refused)
    assert refused.context["adminform"].form["limits"].value() == typed
    ada.refresh_from_db()
    assert ada.limits == {}


def test_a_user_made_inactive_is_logged_out_at_once(
    superuser_client: Client, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(ada)
    poll = poll_url(tab.get("/"))
    assert tab.get(poll).status_code == 200
    save_user(superuser_client, ada, is_active="")
    assert not Session.objects.filter(user=ada).exists()
    assert tab.get(poll).status_code == 404


def test_saving_a_user_writes_changed_fields_only(
    superuser_client: Client, ada: User
) -> None:
    User.objects.filter(pk=ada.pk).update(instructions="Be brief.", limits={"x": 1})
    page = superuser_client.get(f"{USERS}{ada.pk}/change/")
    assert "Be brief." not in text_of(page)
    save_user(
        superuser_client, ada, email="new@example.org", limits='{"prompts_per_day": 5}'
    )
    ada.refresh_from_db()
    assert (ada.instructions, ada.email) == ("Be brief.", "new@example.org")


def test_two_accounts_cannot_share_an_address(
    superuser_client: Client, ada: User
) -> None:
    make_account("grace", email="grace@example.org")
    refused = save_user(superuser_client, ada, email="GRACE@example.org")
    assert refused.context["adminform"].form.errors
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_editors_cannot_take_their_own_rights(
    superuser_client: Client, superuser: User
) -> None:
    refused = save_user(superuser_client, superuser, is_staff="on")
    assert "remove your own rights" in text_of(refused)
    superuser.refresh_from_db()
    assert superuser.is_superuser


def test_a_guest_gets_neither_rights_nor_an_address(
    superuser_client: Client, owner: User
) -> None:
    save_user(
        superuser_client,
        owner,
        email="somebody@example.org",
        is_staff="on",
        is_superuser="on",
    )
    owner.refresh_from_db()
    assert (owner.email, owner.is_staff, owner.is_superuser) == ("", False, False)


def test_nothing_is_added_or_deleted_by_hand(
    superuser_client: Client, ada: User
) -> None:
    for path in LISTS:
        assert superuser_client.get(f"{path}add/").status_code in (403, 404)
        assert "delete_selected" not in text_of(superuser_client.get(path))
    assert (
        superuser_client.post(f"{USERS}{ada.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
    assert User.objects.filter(pk=ada.pk).exists()
    save_user(superuser_client, ada, closed_at_0="2026-01-01", closed_at_1="00:00")
    ada.refresh_from_db()
    assert ada.closed_at is None


def test_the_history_says_what_was_changed_without_names(
    superuser_client: Client, ada: User
) -> None:
    save_user(superuser_client, ada, limits='{"prompts_per_day": 123454321}')
    entry = LogEntry.objects.get()
    assert entry.object_repr == str(ada.pk)
    assert "Limits" in entry.change_message
    assert "123454321" not in entry.change_message


def test_a_user_is_logged_out_everywhere(
    superuser_client: Client, ada: User, client_of: Callable[[User], Client]
) -> None:
    tab, other = client_of(ada), client_of(ada)
    poll = poll_url(tab.get("/"))
    assert tab.get(poll).status_code == 200
    done = run_action(superuser_client, USERS, "sign_out_everywhere", ada.pk)
    assert "2 sessions ended." in text_of(done)
    assert tab.get(poll).status_code == 404
    assert other.get("/settings/").wsgi_request.user.is_anonymous


def test_a_link_to_a_new_password_is_shown_once_to_a_superuser(
    superuser_client: Client,
    ada: User,
    owner: User,
    client_of: Callable[[User], Client],
) -> None:
    made = superuser_client.post(f"{USERS}{ada.pk}/reset-link/")
    link = dom(made).one("#link")["value"]
    assert "no-store" in made.headers["Cache-Control"]
    assert Client().get(link, follow=True).status_code == 200
    assert link not in str(LogEntry.objects.values_list("change_message"))
    assert superuser_client.get(f"{USERS}{ada.pk}/reset-link/").status_code == 404
    assert superuser_client.post(f"{USERS}{owner.pk}/reset-link/").status_code == 404
    helper = staff_with("view_user", "change_user")
    refused = client_of(helper).post(f"{USERS}{ada.pk}/reset-link/")
    assert refused.status_code == 403


def test_a_user_is_closed_and_erased_after_confirmation(
    superuser_client: Client,
    superuser: User,
    ada: User,
    client_of: Callable[[User], Client],
) -> None:
    tab = client_of(ada)
    asked = run_action(superuser_client, USERS, "close_and_erase", ada.pk, superuser.pk)
    assert "permanently deleted" in text_of(asked)
    ada.refresh_from_db()
    assert ada.closed_at is None
    run_action(
        superuser_client,
        USERS,
        "close_and_erase",
        ada.pk,
        superuser.pk,
        confirmed="yes",
    )
    ada.refresh_from_db()
    superuser.refresh_from_db()
    assert ada.closed_at is not None
    assert superuser.closed_at is None
    assert tab.get("/settings/").wsgi_request.user.is_anonymous
    # No one may change a user who is being erased.
    assert (
        superuser_client.post(f"{USERS}{ada.pk}/change/", {"limits": "{}"}).status_code
        == 403
    )
