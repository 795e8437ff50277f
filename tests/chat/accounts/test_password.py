from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import User
from tests.chat.accounts.conftest import OTHER, PASSWORD, is_logged_in, log_in
from tests.chat.pages import text_of
from tests.cookie_names import SESSION
from tests.dom import dom

pytestmark = pytest.mark.django_db


def change(client: Client, password: str = PASSWORD, new: str = OTHER):  # type: ignore[no-untyped-def]
    return client.post("/account/password/", {"password": password, "new": new})


def test_a_new_password_logs_out_all_other_browsers(
    tab: Client, account: User, client_of: Callable[[User], Client]
) -> None:
    other = client_of(account)
    before = tab.cookies[SESSION].value
    answer = change(tab)
    assert (answer.status_code, answer["Location"]) == (303, "/account/?password")
    assert "Your password was changed." in text_of(tab.get("/account/?password"))
    assert is_logged_in(tab)
    assert tab.cookies[SESSION].value != before
    assert not is_logged_in(other)
    assert log_in(Client()).status_code == 422
    assert log_in(Client(), "bee", OTHER).status_code == 303


@pytest.mark.parametrize(
    ("password", "new"),
    [("wrong", OTHER), ("", OTHER), (PASSWORD, "short"), (PASSWORD, ""),
     (PASSWORD, "bee@example.org"), (PASSWORD, "0123456789")],
)  # fmt: skip
def test_invalid_input_changes_nothing(
    password: str, new: str, tab: Client, account: User
) -> None:
    answer = change(tab, password, new)
    assert answer.status_code == 422
    assert ".errorlist" in dom(answer)
    assert not any(field.get("value") for field in dom(answer).all("[type=password]"))
    account.refresh_from_db()
    assert account.check_password(PASSWORD)


@pytest.mark.parametrize("page", ["password", "email", "erase"])
def test_guesses_are_locked_as_at_log_in(
    page: str, tab: Client, settings: LazySettings
) -> None:
    settings.LOGIN_FAILURES_MAX = 3
    for _ in range(3):
        assert tab.post(f"/account/{page}/", {"password": "wrong"}).status_code == 422
    answer = tab.post(f"/account/{page}/", {"password": PASSWORD, "new": OTHER})
    assert answer.status_code == 429
    assert "Too many attempts" in text_of(answer)
    assert User.objects.named("bee") is not None
