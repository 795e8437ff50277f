"""Everybody who may ask for what is not theirs, each with a browser of their own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.test import Client
from django.utils import timezone

from chat.accounts import account_deletion, guest_cookie
from chat.models import User
from chat.services.session_digest import session_digest
from tests.access.owner_data import World


@dataclass(frozen=True, slots=True)
class Visitor:
    client: Client
    user: User | None = None

    @property
    def session(self) -> str:
        """The key in their cookie, also of a session that is over."""
        cookie = self.client.cookies.get(settings.SESSION_COOKIE_NAME)
        return cookie.value if cookie else ""


def signed_in(user: User) -> Visitor:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return Visitor(client, user)


def nobody(_world: World) -> Visitor:
    return Visitor(Client(raise_request_exception=False))


def another_guest(_world: World) -> Visitor:
    return signed_in(User.objects.guest(uuid.uuid4()))


def _account(name: str, **rights: bool) -> Visitor:
    user = User(username=name, **rights)
    user.set_unusable_password()
    user.save()
    return signed_in(user)


def another_account(_world: World) -> Visitor:
    return _account("somebody")


def staff(_world: World) -> Visitor:
    """With no permission for anything."""
    return _account("support", is_staff=True)


def superuser(_world: World) -> Visitor:
    return _account("root", is_staff=True, is_superuser=True)


def signed_out_owner(world: World) -> Visitor:
    """The cookie is back, say from a copy of it; polls had noted whose it is."""
    visitor = signed_in(world.owner)
    visitor.client.get("/poll/")
    key = str(visitor.client.session.session_key)
    visitor.client.logout()
    visitor.client.cookies[settings.SESSION_COOKIE_NAME] = key
    return Visitor(visitor.client)


def expired_owner(world: World) -> Visitor:
    visitor = signed_in(world.owner)
    key = visitor.client.session.session_key
    late = timezone.now() - timedelta(seconds=1)
    world.owner.sessions.filter(pk=key).update(expire_date=late)
    return Visitor(visitor.client)


def deactivated_owner(world: World) -> Visitor:
    """Still with their session, which notes when they were seen."""
    visitor = signed_in(world.owner)
    world.owner.is_active = False
    world.owner.save()
    return visitor


def erased_owner(world: World) -> Visitor:
    """With their session still in a browser."""
    visitor = signed_in(world.owner)
    visitor.client.get("/poll/")
    erase(world.owner)
    return Visitor(visitor.client)


def erase(owner: User) -> None:
    """As they do it themselves, and the keeper to the end."""
    account_deletion.erase_account(owner)
    while account_deletion.erase_closed_accounts():
        pass


def forger(world: World) -> Visitor:
    """Who knows the owner's id, and the name under which a session is remembered."""
    client = Client(raise_request_exception=False)
    client.cookies[guest_cookie.cookie_name()] = f"{world.owner.pk}:forged"
    client.cookies[settings.SESSION_COOKIE_NAME] = session_digest(world.session)
    return Visitor(client)


def guest_of_old(world: World) -> Visitor:
    """A browser with the cookie of the guest that the owner was before signing up."""
    client = Client(raise_request_exception=False)
    client.cookies[guest_cookie.cookie_name()] = guest_cookie.signed_value(
        world.owner.pk
    )
    return Visitor(client)


STRANGERS: dict[str, Callable[[World], Visitor]] = {
    "nobody": nobody,
    "another guest": another_guest,
    "another account": another_account,
    "staff": staff,
    "a superuser": superuser,
    "the owner, signed out": signed_out_owner,
    "the owner, expired": expired_owner,
    "the owner, made inactive": deactivated_owner,
    "the owner, erased": erased_owner,
    "a forger": forger,
    "the guest the owner was": guest_of_old,
}
