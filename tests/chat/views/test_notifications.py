"""A browser begins and ends its notices; what it needs for them is served."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.staticfiles import finders
from django.test import Client

from chat.models import PushSubscription, User
from chat.services.notifications import vapid
from tests.chat.services.notifications.browser_keys import BrowserKeys

pytestmark = pytest.mark.django_db
ADDRESS = "https://push.example/send/abc"


@pytest.fixture(autouse=True)
def _keys(settings: LazySettings) -> None:
    settings.VAPID_PRIVATE_KEY, settings.HAS_PUSH = vapid.new_private_key(), True
    settings.VAPID_CONTACT = "mailto:a@example.org"


def said(endpoint: str = ADDRESS, **more: str) -> dict[str, str]:
    """What a browser says of itself."""
    keys = BrowserKeys()
    return {"endpoint": endpoint, "p256dh": keys.p256dh, "auth": keys.auth, **more}


def found(**by: Any) -> PushSubscription:
    return PushSubscription.objects.get(**by)


def test_a_browser_gets_notices_in_its_language_until_it_ends_them(
    tab: Client, owner: User
) -> None:
    form = said()
    answer = tab.post("/settings/push/", form, headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.content) == (204, b"")
    one = found(owner=owner)
    assert one.session_id == tab.session.session_key
    assert (one.endpoint, one.p256dh, one.auth) == tuple(form.values())
    assert one.language == "de"
    assert tab.post("/settings/push/remove/", form).status_code == 204
    assert not PushSubscription.objects.exists()


def test_a_visitor_becomes_a_guest(box: object) -> None:
    visitor = Client()
    visitor.get("/settings/")
    assert visitor.post("/settings/push/", said()).status_code == 204
    assert found().owner.is_guest
    assert found().session_id == visitor.session.session_key


def test_saying_it_again_changes_what_is_new(tab: Client, owner: User) -> None:
    tab.post("/settings/push/", form := said())
    PushSubscription.objects.update(failures=5)
    tab.post("/settings/push/", form, headers={"Accept-Language": "es"})
    assert (found().failures, found().language) == (0, "es")
    tab.post("/settings/push/", said("https://push.example/new"))
    assert found(owner=owner).endpoint == "https://push.example/new"


def test_the_browser_of_another_person_is_not_taken_over(
    tab: Client, owner: User, client_of: Callable[[User], Client]
) -> None:
    tab.post("/settings/push/", form := said())
    wasp = User.objects.create_user("wasp", None)
    other = client_of(wasp)
    refused = other.post("/settings/push/", said(auth="B" * 22))
    assert refused.status_code == 422
    other.post("/settings/push/remove/", form)
    assert found().owner == owner
    # The same browser, in which another person has logged in.
    assert other.post("/settings/push/", form).status_code == 204
    assert found().owner == wasp


def test_the_oldest_browser_makes_room(
    owner: User, client_of: Callable[[User], Client], settings: LazySettings
) -> None:
    settings.PUSH_SUBSCRIPTIONS_MAX = 2
    for number in range(3):
        client_of(owner).post("/settings/push/", said(f"https://push.example/{number}"))
    left = PushSubscription.objects.values_list("endpoint", flat=True)
    assert sorted(left) == ["https://push.example/1", "https://push.example/2"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": ""},
        {"endpoint": "http://push.example/a"},
        {"endpoint": "https://push.example:22/a"},
        {"endpoint": "https://name:word@push.example/a"},
        {"endpoint": "https://push.example/ä"},
        {"endpoint": "https://push.example/a b"},
        {"endpoint": "https://push.example/#a"},
        {"endpoint": "https://[push/"},
        {"endpoint": "https://push.example/" + "a" * 1000},
        {"endpoint": "javascript:alert(1)"},
        {"p256dh": "A" * 86},
        {"p256dh": "ä" * 87},
        {"auth": ""},
        {"auth": "A" * 23},
    ],
)
def test_what_is_no_subscription_is_refused(tab: Client, wrong: dict[str, str]) -> None:
    answer = tab.post("/settings/push/", said(**wrong))
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_subscription"
    assert not PushSubscription.objects.exists()


def test_a_form_of_another_site_is_refused(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    for path in ("/settings/push/", "/settings/push/remove/"):
        assert client.post(path, said()).status_code == 403
        assert client.get(path).status_code == 405
    assert not PushSubscription.objects.exists()


def test_logging_out_ends_the_notices_of_this_browser_alone(
    client_of: Callable[[User], Client],
) -> None:
    bee = User.objects.create_user("bee", None)
    here, there = client_of(bee), client_of(bee)
    here.post("/settings/push/", said())
    there.post("/settings/push/", said("https://push.example/there"))
    here.post("/account/log-out/")
    assert found().endpoint == "https://push.example/there"
    there.post("/account/elsewhere/")
    assert PushSubscription.objects.count() == 1


def test_a_new_key_of_the_same_session_keeps_them(box: object) -> None:
    bee = User.objects.create_user("bee", "a long password")
    client = Client()
    client.force_login(bee)
    client.post("/settings/push/", said())
    before = found().session_id
    form = {"password": "a long password", "new": "another long one"}
    assert client.post("/account/password/", form).status_code == 303
    assert found().session_id == client.session.session_key != before


def test_an_erased_account_has_none(client_of: Callable[[User], Client]) -> None:
    bee = User.objects.create_user("bee", "a long password")
    client_of(bee).post("/settings/push/", said())
    from chat.accounts.account_deletion import close_account

    close_account(bee)
    assert not PushSubscription.objects.exists()


def test_the_service_worker_belongs_to_all_pages(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cache-Control"] == "no-cache"
    assert b"showNotification" in answer.content
    assert b'addEventListener("fetch"' not in answer.content
    assert b"caches" not in answer.content


def test_a_phone_can_put_the_site_on_its_home_screen(client: Client) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    said = json.loads(answer.content)
    assert (said["start_url"], said["scope"], said["display"]) == (
        "/",
        "/",
        "standalone",
    )
    for icon in said["icons"]:
        name = icon["src"].rpartition("/")[2]
        assert finders.find(f"icons/{name}"), icon
    page = client.get("/settings/").content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert "apple-touch-icon" in page


def test_both_are_served_where_guests_are_not_allowed(
    client: Client, settings: LazySettings
) -> None:
    settings.GUESTS = False
    for path in ("/service-worker.js", "/manifest.webmanifest"):
        assert client.get(path).status_code == 200
    assert client.post("/settings/push/", said())["Location"].startswith("/account/")


def test_the_settings_page_has_the_key_and_says_what_it_does(client: Client) -> None:
    page = client.get("/settings/").content.decode()
    assert f'data-push-key="{vapid.public_key()}"' in page
    assert "Also when this page is closed." in page


def test_without_keys_nothing_is_seen_of_it(
    client: Client, settings: LazySettings
) -> None:
    settings.HAS_PUSH = False
    page = client.get("/settings/").content.decode()
    assert "push" not in page
    assert "manifest" not in page
    for path in ("/service-worker.js", "/manifest.webmanifest"):
        assert client.get(path).status_code == 404
    for path in ("/settings/push/", "/settings/push/remove/"):
        assert client.post(path, said()).status_code == 404
