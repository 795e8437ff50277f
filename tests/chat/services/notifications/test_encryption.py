"""Messages that only one browser can read, and the token of the site."""

from __future__ import annotations

import time

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings

from chat.services.notifications import vapid
from chat.services.notifications.encryption import encrypted
from tests.chat.services.notifications.browser_keys import (
    CURVE,
    BrowserKeys,
    checked_claims,
    read,
    spelled,
)

#: The example of RFC 8291, section 5.
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
TEXT = b"When I grow up, I want to be a watermelon"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_comes_out_byte_by_byte() -> None:
    browser = BrowserKeys(BROWSER, AUTH)
    sender = ec.derive_private_key(int.from_bytes(read(SENDER)), CURVE)
    body = encrypted(TEXT, browser.p256dh, browser.auth, sender, read(SALT))
    assert spelled(body) == BODY
    assert browser.decrypt(body) == TEXT


def test_only_the_browser_can_read_it_and_no_two_messages_are_alike() -> None:
    browser, other = BrowserKeys(), BrowserKeys()
    bodies = {encrypted(b"hello", browser.p256dh, browser.auth) for _ in range(2)}
    assert len(bodies) == 2
    for body in bodies:
        assert browser.decrypt(body) == b"hello"
        with pytest.raises(InvalidTag):
            other.decrypt(body)


@pytest.mark.parametrize("key", ["", "AAAA", spelled(b"\x04" + bytes(64)), "???"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        encrypted(b"hello", key, AUTH)


def test_the_site_signs_for_the_push_service_alone(settings: LazySettings) -> None:
    settings.VAPID_PRIVATE_KEY, settings.HAS_PUSH = vapid.new_private_key(), True
    settings.VAPID_CONTACT = "https://example.org/contact"
    token = vapid.authorization("https://push.example:8443/a/b?c=d")
    claims = checked_claims(token, vapid.public_key())
    assert claims["aud"] == "https://push.example:8443"
    assert claims["sub"] == "https://example.org/contact"
    assert 0 < claims["exp"] - time.time() < 86_400


def test_without_keys_there_is_no_public_one(settings: LazySettings) -> None:
    settings.HAS_PUSH = False
    assert vapid.public_key() == ""
