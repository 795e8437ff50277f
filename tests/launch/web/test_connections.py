"""Whose connections count together."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from launch.web.connections import network_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/64"))


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:db8::1", 1, 0, 0), "2001:db8::/64"),
        (("2001:db8::ffff:1", 1, 0, 0), "2001:db8::/64"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::/64"),
        (("10.1.2.3", 1), ""),
        (("::ffff:10.1.2.3", 1, 0, 0), ""),
        (("2001:db8:1::9", 1, 0, 0), ""),
        ("", ""),
        (b"", ""),
    ],
)
def test_an_address_is_a_network_and_a_proxy_is_none(client: Any, network: str) -> None:
    assert network_of(client, PROXIES) == network
