from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from chat.models import Invitation, User
from tests.chat.accounts.conftest import PASSWORD, link_in, submit_sign_up
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(tab: Client, account: User) -> Client:
    User.objects.filter(pk=account.pk).update(is_staff=True, is_superuser=True)
    return tab


def shown(answer) -> str:  # type: ignore[no-untyped-def]
    """Return the new link on a page."""
    return dom(answer).one("#link")["value"]


def test_a_link_made_by_staff_is_shown_once(
    staff: Client, settings: LazySettings
) -> None:
    settings.SIGNUP = "invitation"
    typed = {"note": "For the choir", "days": "3"}
    answer = staff.post("/account/invitations/", typed, follow=True)
    link = shown(answer)
    assert link.startswith("http://testserver/account/invited/")
    assert "For the choir" in text_of(answer)
    again = text_of(staff.get("/account/invitations/"))
    assert link not in again
    assert "Valid until" in again
    typed = {"name": "wasp", "password": PASSWORD}
    assert Client().post(link_in(link), typed).status_code == 303
    assert "Used by wasp" in dom(staff.get("/account/invitations/")).text


def test_an_unused_invitation_can_be_revoked(staff: Client) -> None:
    for _ in range(2):
        link = link_in(
            shown(staff.post("/account/invitations/", {"days": "7"}, follow=True))
        )
    Client().post(link, {"name": "wasp", "password": PASSWORD})
    for row in Invitation.objects.all():
        answer = staff.post(f"/account/invitations/{row.pk}/revoke/")
        assert answer.status_code == 303
    assert Invitation.objects.get().used_by == User.objects.named("wasp")


@pytest.mark.parametrize("days", ["0", "-1", "91", "soon", ""])
def test_an_invalid_number_of_days_is_refused(days: str, staff: Client) -> None:
    typed = {"note": "For whom", "days": days}
    answer = staff.post("/account/invitations/", typed)
    assert answer.status_code == 422
    assert '[value="For whom"]' in dom(answer)
    assert not Invitation.objects.exists()


def test_for_other_users_the_page_does_not_exist(
    tab: Client, visitor: Client, client_of: Callable[[User], Client], owner: User
) -> None:
    Invitation.objects.create(digest="x", expires_at=owner.joined_at)
    pk = Invitation.objects.get().pk
    support = User.objects.create_user("wasp", "x")
    User.objects.filter(pk=support.pk).update(is_staff=True)  # and no permission
    for client in (tab, visitor, client_of(owner), client_of(support)):
        for answer in (
            client.get("/account/invitations/"),
            client.post("/account/invitations/", {"days": "7"}),
            client.post(f"/account/invitations/{pk}/revoke/"),
        ):
            assert answer.status_code == 404
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("signup", ["open", "invitation", "closed"])
def test_the_page_says_whether_invitations_work(
    signup: str, staff: Client, settings: LazySettings
) -> None:
    settings.SIGNUP = signup
    text = text_of(staff.get("/account/invitations/"))
    said = {
        "open": "Anyone can sign up on this site",
        "invitation": "Each link is for one account.",
        "closed": "invitations don’t work",
    }
    assert [name for name, words in said.items() if words in text] == [signup]


def test_the_command_prints_an_invitation(
    visitor: Client, settings: LazySettings
) -> None:
    settings.SIGNUP, settings.SITE_URL = "invitation", "https://chat.example.org"
    said = StringIO()
    call_command("invite", "--note", "For the choir", "--days", "2", stdout=said)
    assert said.getvalue().startswith("https://chat.example.org/account/invited/")
    assert Invitation.objects.get().note == "For the choir"
    path = link_in(said.getvalue())
    answer = visitor.post(path, {"name": "wasp", "password": PASSWORD})
    assert answer.status_code == 303
    assert submit_sign_up(Client(), "hornet").status_code == 403


def test_the_command_refuses_an_invitation_that_would_not_work(
    settings: LazySettings,
) -> None:
    with pytest.raises(CommandError, match="days"):
        call_command("invite", "--days", "400")
    settings.SIGNUP = "closed"
    with pytest.raises(CommandError, match="closed"):
        call_command("invite")
    assert not Invitation.objects.exists()
