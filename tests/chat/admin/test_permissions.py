"""What staff may see and do in the admin, with and without permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, User
from chatsite.mailbox import Mailbox
from tests.chat.admin.conftest import (
    CONVERSATIONS,
    LISTS,
    USERS,
    run_action,
    save_user,
    staff_with,
)
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_staff_without_permissions_see_nothing(
    box: Mailbox, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(staff_with())
    assert "permission to view or edit anything" in text_of(tab.get("/admin/"))
    for path in LISTS:
        assert tab.get(path).status_code == 403


def test_staff_with_view_permission_change_nothing(
    box: Mailbox, ada: User, sent: Any, client_of: Callable[[User], Client]
) -> None:
    models = (
        *("user", "conversation", "reply", "session", "apikey", "webhookendpoint"),
        "invitation",
    )
    tab = client_of(staff_with(*(f"view_{model}" for model in models)))
    pk = sent(ada).message.conversation_id
    for path in LISTS:
        page = tab.get(path)
        assert page.status_code == 200
        assert "[name=action]" not in dom(page)
    assert save_user(tab, ada, limits='{"prompts_per_day": 5}').status_code == 403
    run_action(tab, CONVERSATIONS, "delete_with_undo", pk)
    run_action(tab, USERS, "sign_out_everywhere", ada.pk)
    assert Conversation.objects.not_deleted().filter(pk=pk).exists()
    ada.refresh_from_db()
    assert ada.limits == {}


def test_staff_who_may_change_users_gain_no_rights(
    superuser: User, ada: User, client_of: Callable[[User], Client]
) -> None:
    helper = staff_with("view_user", "change_user")
    tab, theirs = client_of(helper), client_of(superuser)
    save_user(
        tab, ada, limits='{"prompts_per_day": 5}', is_superuser="on", email="x@y.org"
    )
    ada.refresh_from_db()
    assert ada.limits == {"prompts_per_day": 5}
    assert (ada.is_superuser, ada.email) == (False, "ada@example.org")
    for higher in (superuser, helper):
        assert save_user(tab, higher, email="x@example.org").status_code == 403
    run_action(tab, USERS, "sign_out_everywhere", superuser.pk)
    assert theirs.get("/admin/").status_code == 200
    assert "close_and_erase" not in text_of(tab.get(USERS))


def test_users_who_are_not_staff_are_sent_to_log_in(
    box: Mailbox, ada: User, client_of: Callable[[User], Client]
) -> None:
    for path in ("/admin/", *LISTS):
        assert client_of(ada).get(path).url.startswith("/admin/login/")


def test_an_unreadable_log_out_request_logs_no_user_out(
    superuser_client: Client,
) -> None:
    answer = superuser_client.post(f"/admin/logout/?{'a&' * 1001}")
    assert answer.status_code == 400
    assert superuser_client.get("/admin/").status_code == 200
    assert superuser_client.post("/admin/logout/").status_code == 200
    assert superuser_client.get("/admin/").status_code == 302
