"""System checks report settings that contradict each other, with a remedy."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from pytest_django import Settings

from chatsite import checks
from chatsite.trusted_proxies import TrustedProxies


def ids(found: list[checks.CheckMessage]) -> list[str]:
    assert all(one.hint for one in found)
    return [str(one.id) for one in found]


@pytest.mark.parametrize(
    ("https_only", "origins", "proxies", "is_warned"),
    [
        (False, [], TrustedProxies(), False),
        (True, [], TrustedProxies(), True),
        (False, ["https://chat.example.org"], TrustedProxies(), True),
        (False, ["http://chat.example.org"], TrustedProxies(), False),
        (True, [], TrustedProxies((ip_network("127.0.0.1"),)), False),
        (True, [], TrustedProxies(is_unix_trusted=True), False),
    ],
)
def test_an_untrusted_proxy_makes_one_network_of_all_guests(
    https_only: bool,
    origins: list[str],
    proxies: TrustedProxies,
    is_warned: bool,
    settings: Settings,
) -> None:
    settings.HTTPS_ONLY = https_only
    settings.CSRF_TRUSTED_ORIGINS = origins
    settings.TRUSTED_PROXIES = proxies
    assert ids(checks.check_proxies()) == ["chatsite.W020"] * is_warned


@pytest.mark.parametrize(
    ("of_guest", "of_network", "is_warned"),
    [
        (5, 5, False),
        (6, 5, True),
        (None, 5, True),
        (None, None, False),
        (5, None, False),
    ],
)
def test_a_guest_limit_above_the_network_limit_is_reported(
    of_guest: int | None, of_network: int | None, is_warned: bool, settings: Settings
) -> None:
    assert ids(checks.check_limits()) == []
    settings.GUEST_TOKENS_PER_DAY = of_guest
    settings.NETWORK_TOKENS_PER_DAY = of_network
    assert ids(checks.check_limits()) == ["chatsite.W021"] * is_warned


@pytest.mark.parametrize(
    ("has_mail", "site_url", "hosts", "is_warned"),
    [
        (False, "", ["*"], False),
        (True, "", ["*"], True),
        (True, "", ["chat.example.org"], True),
        (True, "https://chat.example.org", ["*"], False),
    ],
)
def test_mail_without_a_site_url_is_reported(
    has_mail: bool, site_url: str, hosts: list[str], is_warned: bool, settings: Settings
) -> None:
    settings.HAS_MAIL, settings.SITE_URL = has_mail, site_url
    settings.ALLOWED_HOSTS = hosts
    assert ids(checks.check_mail_links()) == ["chatsite.W010"] * is_warned


@pytest.mark.parametrize(
    ("guests", "signup", "is_warned"),
    [(True, "closed", False), (False, "closed", True), (False, "invitation", False)],
)
def test_a_site_that_no_one_can_enter_is_reported(
    guests: bool, signup: str, is_warned: bool, settings: Settings
) -> None:
    settings.GUESTS, settings.SIGNUP = guests, signup
    assert ids(checks.check_ways_in()) == ["chatsite.W011"] * is_warned


@pytest.mark.parametrize("contact", ["", "mailto:a@example.org"])
def test_web_push_without_a_contact_is_reported(
    contact: str, settings: Settings
) -> None:
    settings.VAPID_PRIVATE_KEY, settings.VAPID_CONTACT = "key", contact
    assert ids(checks.check_push()) == ["chatsite.W012"] * (not contact)
