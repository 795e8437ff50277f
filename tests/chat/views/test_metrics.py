"""``/metrics``: who may read it, and which requests it counts."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from chatsite.trusted_proxies import TrustedProxies

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

TOKEN = "t" * 40


def status(address: str = "127.0.0.1", **headers: str) -> int:
    answer = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)
    return answer.status_code


def test_this_machine_may_read_them_and_no_other() -> None:
    assert status() == 200
    assert status("::1") == 200
    assert status("192.0.2.7") == 403
    assert status("") == 403


def test_a_request_that_a_proxy_forwards_is_not_of_this_machine(
    settings: LazySettings,
) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.7"}
    assert status(**forwarded) == 403
    assert status(Via="1.1 proxy") == 403
    settings.TRUSTED_PROXIES = TrustedProxies.parse(["127.0.0.1"])
    assert status(**forwarded) == 403
    settings.METRICS_NETWORKS = (ip_network("192.0.2.0/24"),)
    assert status(**forwarded) == 200


def test_a_token_opens_them_from_anywhere(settings: LazySettings) -> None:
    settings.METRICS_TOKEN, settings.METRICS_NETWORKS = TOKEN, ()
    assert status("192.0.2.7", Authorization=f"Bearer {TOKEN}") == 200
    for wrong in (f"Bearer {TOKEN}x", "Bearer ", f"Basic {TOKEN}", "Bearer é"):
        assert status(Authorization=wrong) == 401
    refusal = Client().get("/metrics")
    assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
    assert "METRICS_TOKEN" in refusal.content.decode()
    assert TOKEN not in refusal.content.decode()


def test_they_are_answered_under_any_name_and_without_https(
    settings: LazySettings,
) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    settings.GUESTS = False
    assert status(Host="10.1.2.3:8000") == 200
    assert Client().post("/metrics").status_code == 405


def test_requests_count_by_view_and_with_few_labels() -> None:
    browser = Client()
    before = requests_of(browser)
    browser.get("/settings/")
    browser.get("/settings/")
    browser.get("/no-such-page")
    browser.get("/livez")
    browser.generic("BREW", "/settings/")
    after = requests_of(browser)
    grown = {key: after[key] - before.get(key, 0) for key in after}
    assert {key: count for key, count in grown.items() if count} == {
        ("settings", "GET", "200"): 2,
        ("none", "GET", "404"): 1,
        ("settings", "other", "405"): 1,
    }


def requests_of(browser: Client) -> dict[tuple[str, ...], float]:
    text = browser.get("/metrics").content.decode()
    return {
        (sample.labels["view"], sample.labels["method"], sample.labels["status"]): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "chatsite_http_requests_total"
    }
