"""Which addresses a webhook may reach."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from django.conf import LazySettings

from chat.services.outgoing.addresses import is_allowed, is_allowed_port, resolve

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:2800:220:1:248:1893:25c8:1946"]
NOT_PUBLIC = {
    "private": ("10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "fec0::1"),
    "loopback": ("127.0.0.1", "127.8.8.8", "::1"),
    "this host": ("0.0.0.0", "0.1.2.3", "::"),
    "link-local": ("169.254.169.254", "fe80::1"),
    "multicast": ("224.0.0.1", "239.1.1.1", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "100::1", "4000::1"),
    "carrier NAT": ("100.64.0.1", "100.100.100.200"),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"),
    "benchmarks": ("198.18.0.1", "198.19.255.255"),
    "protocols": ("192.0.0.192", "2001::1", "2001:2::1"),
    "mapped": ("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"),
    "NAT64": ("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1"),
    "6to4": ("2002:7f00:1::", "192.88.99.1"),
    "clouds": ("168.63.129.16", "fd00:ec2::254"),
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize("kind", NOT_PUBLIC)
def test_other_addresses_are_not(kind: str) -> None:
    assert [one for one in NOT_PUBLIC[kind] if is_allowed(ip_address(one))] == []


def test_the_operator_allows_networks_of_their_own(settings: LazySettings) -> None:
    nets = (ip_network("192.168.0.0/16"), ip_network("fd00::/8"))
    settings.WEBHOOK_PRIVATE_NETWORKS = nets
    found = ("192.168.7.7", "fd00::7", "10.0.0.1", "::1", "::ffff:192.168.7.7")
    assert [is_allowed(ip_address(one)) for one in found] == [True] * 2 + [False] * 3


def test_ports_of_other_protocols_are_not_allowed() -> None:
    ports = (80, 443, 1024, 8443, 65_535, 0, 22, 25, 465, 1023, 65_536)
    assert [is_allowed_port(port) for port in ports] == [True] * 5 + [False] * 6


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "017700000001"])
def test_odd_spellings_are_read_as_the_system_reads_them(host: str) -> None:
    assert resolve(host, 443) == [ip_address("127.0.0.1")]
