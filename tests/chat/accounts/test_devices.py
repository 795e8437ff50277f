"""Names of devices, from the header User-Agent."""

from __future__ import annotations

import pytest

from chat.accounts.devices import device_name, translated_device_name
from tests.chat.user_agents import FIREFOX, PHONE

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("said", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/130 Safari/537 Edg/130",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130 Mobile", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_devices_have_short_names(said: str, device: str) -> None:
    assert device_name(said) == device
    assert translated_device_name(device) == device
