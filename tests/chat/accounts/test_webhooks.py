"""The pages of webhooks, and ``manage.py webhook``."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from chat.accounts.api_keys import make_key, revoke
from chat.models import User, WebhookDelivery, WebhookEndpoint
from chat.models.webhook_endpoint import DisabledReason
from chat.services.outgoing.http_post import Failure
from chat.services.webhooks.endpoints import disable, make_endpoint, send_test
from chat.wording.webhooks import FAILURES
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db
PAGE = "/account/webhooks/"
URL = "https://example.org/hook?a=b"


def typed(**fields: Any) -> dict[str, Any]:
    filled = {"id": uuid.uuid4(), "url": URL, "events": ["reply.done"]}
    return filled | fields


@pytest.fixture
def endpoint(account: User) -> WebhookEndpoint:
    return make_endpoint(account, url=URL, events=["reply.done"])


def of(endpoint: WebhookEndpoint, action: str = "") -> str:
    return f"{PAGE}{endpoint.pk}/{action}"


def failed(endpoint: WebhookEndpoint, failure: Failure) -> WebhookDelivery:
    send_test(endpoint)
    delivery = endpoint.deliveries.get()
    made = {"at": "", "status": 500, "milliseconds": 35, "error": failure}
    delivery.tries, delivery.state, delivery.attempts = [made], "failed", 10
    delivery.save()
    return delivery


def test_a_new_webhook_shows_its_secret_once(tab: Client, account: User) -> None:
    answer = tab.post(PAGE, typed(description="  My\nbot ", events=["reply.failed"]))
    made = WebhookEndpoint.objects.get()
    assert dom(answer).one("#link")["value"] == made.secret
    assert (made.owner, made.url, made.description) == (account, URL, "My bot")
    assert made.events == ["reply.failed"]
    for page in (PAGE, of(made)):
        assert made.secret not in text_of(tab.get(page))
        assert URL.replace("&", "&amp;") in text_of(tab.get(page))


def test_a_form_that_is_sent_twice_makes_one_webhook(tab: Client) -> None:
    form = typed()
    tab.post(PAGE, form)
    assert "was made before" in text_of(tab.post(PAGE, form, follow=True))
    assert WebhookEndpoint.objects.count() == 1


def test_one_of_the_own_keys_can_be_chosen(tab: Client, account: User) -> None:
    assert "#id_api_key" not in text_of(tab.get(PAGE))
    key, _ = make_key(account, "A bot")
    other, _ = make_key(User.objects.create_user("wasp", None), "Not mine")
    assert "A bot" in text_of(tab.get(PAGE))
    assert "Not mine" not in text_of(tab.get(PAGE))
    assert tab.post(PAGE, typed(api_key=other.pk)).status_code == 422
    tab.post(PAGE, typed(api_key=key.pk))
    assert WebhookEndpoint.objects.get().api_key == key


@pytest.mark.parametrize(
    "wrong",
    [
        *({"url": ""}, {"url": "example.org"}, {"url": "ftp://example.org/"}),
        *({"url": "https://"}, {"url": "http://example.org/"}),
        *({"url": "https://a:b@example.org/"}, {"url": "https://example.org/#a"}),
        *({"url": "https://example.org:22/"}, {"url": "https://example.org:x/"}),
        *({"url": "https://exämple.org/"}, {"url": "https://example.org/a b"}),
        *({"url": "https://example.org\\@evil.example/"},),
        *({"url": "https://[::1/"}, {"url": f"https://example.org/{'x' * 500}"}),
        *({"url": "https://127.0.0.1/"}, {"url": "https://[::ffff:10.0.0.1]/"}),
        *({"url": "https://169.254.169.254/"}, {"events": []}),
        *({"events": ["webhook.test"]}, {"id": "x"}, {"description": "x" * 61}),
        *({"api_key": str(uuid.uuid4())},),
    ],
)
def test_a_wrong_form_makes_none_and_says_why(
    wrong: dict[str, Any], tab: Client
) -> None:
    answer = tab.post(PAGE, typed(**wrong))
    assert answer.status_code == 422
    assert not WebhookEndpoint.objects.exists()
    if "id" not in wrong:
        assert ".errorlist" in dom(answer)


def test_networks_of_the_operator_may_be_called_by_plain_http(
    tab: Client, settings: LazySettings
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = (ip_network("192.168.0.0/16"),)
    for url in ("http://192.168.1.5:8123/api", "http://nas.local/", "http://10.0.0.1/"):
        tab.post(PAGE, typed(url=url))
    assert WebhookEndpoint.objects.filter(url__startswith="http://").count() == 2


def test_an_account_has_so_many_at_most(tab: Client, settings: LazySettings) -> None:
    settings.WEBHOOKS_MAX = 1
    tab.post(PAGE, typed())
    assert tab.post(PAGE, typed()).status_code == 422
    assert "as many webhooks as it may have" in text_of(tab.get(PAGE))
    assert WebhookEndpoint.objects.count() == 1


def test_a_guest_is_told_to_sign_up(visitor: Client, settings: LazySettings) -> None:
    assert "/account/sign-up/" in text_of(visitor.get(PAGE))
    assert visitor.post(PAGE, typed()).status_code == 303
    settings.GUESTS = False
    assert visitor.get(PAGE).status_code == 303
    assert not WebhookEndpoint.objects.exists()


def test_everything_but_the_secret_can_be_changed(
    tab: Client, account: User, endpoint: WebhookEndpoint
) -> None:
    key, _ = make_key(account, "A bot")
    form = dom(tab.get(of(endpoint))).one('form[action$="/change/"]')
    assert form.one("[name=url]")["value"] == URL
    assert form.all("[name=events][checked]")[0]["value"] == "reply.done"
    url, events = "https://other.example/", ["reply.failed", "batch.failed"]
    given = typed(url=url, events=events, description="Mine", api_key=key.pk)
    assert "Saved." in text_of(tab.post(form["action"], given, follow=True))
    secret = endpoint.secret
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.events, endpoint.secret) == (url, events, secret)
    assert (endpoint.description, endpoint.api_key) == ("Mine", key)
    revoke(key)  # it stays chosen
    chosen = dom(tab.get(of(endpoint))).one("#id_api_key [selected]")
    assert chosen["value"] == str(key.pk)
    answer = tab.post(form["action"], typed(url="https://127.0.0.1/"))
    assert answer.status_code == 422
    assert ".errorlist" in dom(answer)
    endpoint.refresh_from_db()
    assert endpoint.url == url


def test_a_test_is_sent_from_the_page(tab: Client, endpoint: WebhookEndpoint) -> None:
    assert "on its way" in text_of(tab.post(of(endpoint, "test/"), follow=True))
    assert "still on its way" in text_of(tab.post(of(endpoint, "test/"), follow=True))
    assert endpoint.deliveries.get().type == "webhook.test"


def test_the_page_says_how_far_a_delivery_has_come(
    tab: Client, endpoint: WebhookEndpoint
) -> None:
    page = f"{of(endpoint)}?tested"
    delivery = failed(endpoint, Failure.STATUS)
    assert "Not delivered" in text_of(tab.get(page))
    assert "A test is on its way." not in text_of(tab.get(page))
    delivery.state = "waiting"
    delivery.save()
    assert "On its way" in text_of(tab.get(page))
    assert "A test is on its way." in text_of(tab.get(page))
    delivery.attempts, delivery.next_at = 1, timezone.now() + timedelta(seconds=299.9)
    delivery.save()
    assert "Next try in 5 min" in text_of(tab.get(page))
    delivery.state = "done"
    delivery.save()
    assert "Delivered" in text_of(tab.get(page))
    assert '[action$="/retry/"]' not in dom(tab.get(page))


def test_it_is_switched_off_and_on(tab: Client, endpoint: WebhookEndpoint) -> None:
    def switched() -> HttpResponse:
        form = dom(tab.get(of(endpoint))).one('form[action$="/switch/"]')
        to = form.one("[name=to]")["value"]
        return tab.post(form["action"], {"to": to}, follow=True)

    assert "Switched off." in text_of(switched())
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert '[action$="/test/"]' not in dom(tab.get(of(endpoint)))
    assert "It is called again" in text_of(switched())
    endpoint.refresh_from_db()
    assert endpoint.is_enabled


@pytest.mark.parametrize("reason", DisabledReason)
def test_the_page_says_why_it_is_no_longer_called(
    reason: DisabledReason, tab: Client, endpoint: WebhookEndpoint
) -> None:
    disable(endpoint, reason)
    said = {"gone": "it is gone", "failing": "all calls failed", "admin": "site admin"}
    for page in (PAGE, of(endpoint)):
        assert said.get(reason, "Switched off.") in text_of(tab.get(page))


def test_a_new_secret_is_shown_once(tab: Client, endpoint: WebhookEndpoint) -> None:
    answer = tab.post(of(endpoint, "secret/"))
    old = endpoint.secret
    endpoint.refresh_from_db()
    assert dom(answer).one("#link")["value"] == endpoint.secret != old
    assert endpoint.secret not in text_of(tab.get(of(endpoint)))


def test_it_is_deleted_with_its_log(tab: Client, endpoint: WebhookEndpoint) -> None:
    send_test(endpoint)
    answer = tab.post(of(endpoint, "delete/"), follow=True)
    assert "was deleted" in text_of(answer)
    assert not WebhookDelivery.objects.exists()
    assert tab.get(of(endpoint)).status_code == 404


@pytest.mark.parametrize("failure", Failure)
def test_the_log_says_why_a_call_failed(
    failure: Failure, tab: Client, endpoint: WebhookEndpoint
) -> None:
    failed(endpoint, failure)
    text = text_of(tab.get(of(endpoint)))
    assert str(FAILURES[failure]) in text
    assert "(500 · 35 ms)" in text
    assert "10 tries" in text


def test_what_failed_is_tried_again_from_the_page(
    tab: Client, endpoint: WebhookEndpoint
) -> None:
    delivery = failed(endpoint, Failure.STATUS)
    form = dom(tab.get(of(endpoint))).one('form[action$="/retry/"]')
    assert "Another try" in text_of(tab.post(form["action"], follow=True))
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("webhook", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_command_makes_lists_tries_switches_and_deletes(account: User) -> None:
    of_account = ("--account", "bee@example.org")
    secret = said("make", URL, *of_account, "--event", "reply.failed").strip()
    made = WebhookEndpoint.objects.get()
    assert (made.secret, made.events) == (secret, ["reply.failed"])
    listed = said("list", *of_account)
    assert secret not in listed
    assert f"{made.pk}  bee  enabled  {URL}" in listed
    said("test", str(made.pk))
    assert made.deliveries.count() == 1
    said("disable", str(made.pk))
    assert "disabled: admin" in said("list")
    with pytest.raises(CommandError):
        said("test", str(made.pk))
    said("enable", str(made.pk))
    said("delete", str(made.pk))
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", URL, "--account", "nobody"),
        ("make", "http://127.0.0.1/", "--account", "bee"),
        ("make", URL, "--account", "bee", "--key", str(uuid.uuid4())),
        ("delete", "x"),
        ("test", str(uuid.uuid4())),
    ],
)
def test_the_command_refuses_what_cannot_be(
    arguments: tuple[str, ...], account: User
) -> None:
    with pytest.raises(CommandError):
        said(*arguments)
    assert not WebhookEndpoint.objects.exists()
