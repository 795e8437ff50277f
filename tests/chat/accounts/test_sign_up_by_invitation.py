"""Signing up with an invitation, or while sign-up is closed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test import Client

from chat.accounts import invitations, sign_up
from chat.models import Invitation, User
from chatsite.mailbox import Mailbox
from tests.chat.accounts.conftest import (
    PASSWORD,
    submit_sign_up,
)
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_closed_sign_up_refuses_everyone(
    visitor: Client, settings: LazySettings
) -> None:
    settings.SIGNUP = "closed"
    _, path = invitations.create_invitation(None)
    for address in ("/account/sign-up/", path):
        assert visitor.get(address).status_code == 403
        typed = {"name": "bee", "password": PASSWORD}
        assert visitor.post(address, typed).status_code == 403
    assert not User.objects.exists()
    assert "Sign up" not in text_of(visitor.get("/"))


def test_an_invitation_makes_one_account(
    visitor: Client, settings: LazySettings, say: Callable[..., None]
) -> None:
    settings.SIGNUP = "invitation"
    say(visitor, "Hello")
    _, path = invitations.create_invitation(None)
    assert submit_sign_up(visitor).status_code == 403
    assert visitor.get(path).status_code == 200
    typed = {"name": "bee", "password": PASSWORD}
    refused = visitor.post(path, {**typed, "name": "a b"})
    assert refused.status_code == 422
    assert f'[action="{path}"]' in dom(refused)
    assert visitor.post(path, typed).status_code == 303
    assert Invitation.objects.get().used_by == User.objects.named("bee")
    assert "Hello" in text_of(visitor.get("/"))
    other = Client()
    answer = other.get(path)
    assert answer.status_code == 410
    assert "This invitation was already used" in text_of(answer)
    assert other.post(path, {**typed, "name": "wasp"}).status_code == 410


def test_the_page_says_why_an_invitation_does_not_work(
    visitor: Client, settings: LazySettings
) -> None:
    settings.SIGNUP = "invitation"
    _, path = invitations.create_invitation(None, days=-1)
    assert "has expired" in text_of(visitor.get(path))
    assert "Invitation not found" in text_of(visitor.get("/account/invited/x/"))


def test_of_two_at_once_one_uses_the_invitation(settings: LazySettings) -> None:
    secret, _ = invitations.create_invitation(None)
    sign_up.create_account("bee", PASSWORD, invitation=secret)
    with pytest.raises(sign_up.InvitationSpent):
        sign_up.create_account("wasp", PASSWORD, invitation=secret)
    assert User.objects.named("wasp") is None


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_the_name_and_the_invitation(
    box: Mailbox,
) -> None:
    secret, _ = invitations.create_invitation(None)

    def try_it(name: str, invitation: str = "") -> bool:
        try:
            sign_up.create_account(name, PASSWORD, invitation=invitation)
        except (sign_up.NameTaken, sign_up.InvitationSpent):
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(6) as people:
        same = list(people.map(try_it, ["bee", "Bee", "BEE", "bEE", "beE", "BeE"]))
        names = [f"wasp{number}" for number in range(6)]
        invited = list(people.map(try_it, names, [secret] * 6))
    assert sum(same) == sum(invited) == 1
    assert User.objects.count() == 2


def test_a_taken_name_does_not_use_up_an_invitation(account: User) -> None:
    secret, _ = invitations.create_invitation(None)
    with pytest.raises(sign_up.NameTaken):
        sign_up.create_account("bee", PASSWORD, invitation=secret)
    assert invitations.invitation_state(secret) is invitations.InvitationState.GOOD


def test_the_secret_is_not_stored() -> None:
    secret, path = invitations.create_invitation(None)
    assert path == f"/account/invited/{secret}/"
    assert secret not in str(Invitation.objects.values().get())
