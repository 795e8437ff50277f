"""The network of a request, which headers of the client cannot change."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory, override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.accounts.client_network import (
    HOPS_MAX,
    client_address,
    network_digest,
    network_of,
)
from chatsite.settings_table import addresses
from chatsite.trusted_proxies import TrustedProxies
from tests.environment import IS_SOAK

Trust = Callable[[str], None]


@pytest.fixture
def trust(settings, monkeypatch: pytest.MonkeyPatch) -> Trust:
    """Set ``TRUSTED_PROXIES`` as the environment would."""

    def set_to(raw: str) -> None:
        monkeypatch.setenv("TRUSTED_PROXIES", raw)
        settings.TRUSTED_PROXIES = addresses.TRUSTED_PROXIES.read()

    return set_to


def request(remote: str, forwarded: str | None = None):  # type: ignore[no-untyped-def]
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return RequestFactory(REMOTE_ADDR=remote).get("/", headers=headers)


def found(remote: str, forwarded: str | None = None) -> str:
    address = client_address(request(remote, forwarded))
    return "" if address is None else network_of(address)


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("", "198.51.100.1", ""),
        ("", None, ""),
        ("::1", None, "::/64"),
        ("2001:db8:0:1:aaaa:bbbb:cccc:dddd", None, "2001:db8:0:1::/64"),
        ("::ffff:203.0.113.7", None, "203.0.113.7"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("nonsense", None, ""),
    ],
)
def test_without_trusted_proxies_headers_do_not_count(
    remote: str, forwarded: str | None, expected: str, trust: Trust
) -> None:
    trust("")
    assert found(remote, forwarded) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        # The client's own words come before the address that the proxy saw.
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("unknown, 203.0.113.7", "203.0.113.7"),
        # Through two trusted proxies.
        ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7, 10.0.0.2, 10.0.0.3", "203.0.113.7"),
        # From inside: the farthest address that a trusted proxy names.
        ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
        # With ports, brackets and zones, and IPv4 addresses written as IPv6.
        ("203.0.113.7:52044", "203.0.113.7"),
        ("[2001:db8::7]:443", "2001:db8::/64"),
        ("[2001:db8::7]", "2001:db8::/64"),
        ("2001:db8::7%eth0", "2001:db8::/64"),
        ("2001:DB8:0:0::7", "2001:db8::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, ::ffff:10.0.0.2", "203.0.113.7"),
        # Not an address: the proxy itself counts, and nothing before it.
        ("", "10.0.0.1"),
        (",", "10.0.0.1"),
        ("203.0.113.7,", "10.0.0.1"),
        ("203.0.113.7, unknown", "10.0.0.1"),
        ("203.0.113.7, _hidden, 10.0.0.2", "10.0.0.2"),
        ("for=203.0.113.7", "10.0.0.1"),
        ("203.0.113.007", "10.0.0.1"),
        ("203.0.113", "10.0.0.1"),
        ("3405803783", "10.0.0.1"),
        ("0x7f.1", "10.0.0.1"),
        ("٢٠٣.٠.١١٣.٧", "10.0.0.1"),
        ("[203.0.113.7", "203.0.113.7"),
        ("<script>", "10.0.0.1"),
        ("x" * 8000, "10.0.0.1"),
    ],
)
def test_behind_trusted_proxies_the_nearest_untrusted_address_counts(
    forwarded: str, expected: str, trust: Trust
) -> None:
    trust("10.0.0.0/8, 127.0.0.1")
    assert found("10.0.0.1", forwarded) == expected


def test_several_headers_count_as_one(trust: Trust) -> None:
    """The server joins headers in their order, with commas."""
    trust("10.0.0.1")
    assert found("10.0.0.1", "198.51.100.1,203.0.113.7") == "203.0.113.7"


def test_a_socket_file_is_trusted_only_by_name(trust: Trust) -> None:
    trust("unix")
    assert found("", "198.51.100.1, 203.0.113.7") == "203.0.113.7"
    assert found("", "203.0.113.7, ") == ""
    assert found("") == ""
    assert found("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    trust("10.0.0.1")
    assert found("", "203.0.113.7") == ""


def test_a_made_up_chain_of_proxies_is_cut(trust: Trust) -> None:
    trust("10.0.0.0/8")
    chain = ["203.0.113.7", *["10.0.0.2"] * (HOPS_MAX - 1)]
    assert found("10.0.0.1", ",".join(chain)) == "203.0.113.7"
    chain.append("10.0.0.2")
    assert found("10.0.0.1", ",".join(chain)) == "10.0.0.2"


def test_trusting_an_ipv6_network_trusts_its_proxies(trust: Trust) -> None:
    trust("2001:db8:ffff::/48")
    assert found("2001:db8:ffff::2", "203.0.113.7") == "203.0.113.7"
    assert found("2001:db8:fffe::2", "203.0.113.7") == "2001:db8:fffe::/64"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", TrustedProxies()),
        ("unix", TrustedProxies(is_unix_trusted=True)),
        (" unix , ", TrustedProxies(is_unix_trusted=True)),
    ],
)
def test_the_word_unix_trusts_a_socket_file(
    raw: str, expected: TrustedProxies, trust: Trust, settings
) -> None:
    trust(raw)
    assert expected == settings.TRUSTED_PROXIES


@pytest.mark.parametrize(
    "raw",
    ["proxy", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1:80", "*", "10.0.0", "::/129"],
)
def test_an_invalid_network_stops_the_start(raw: str, trust: Trust) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must be addresses"):
        trust(raw)


def test_each_ipv6_prefix_of_64_bits_is_one_network(
    trust: Trust,
) -> None:
    trust("")
    digests = [
        network_digest(request(remote))
        for remote in ("2001:db8:0:1::7", "2001:db8:0:1:ffff::9", "2001:db8:0:2::7")
    ]
    assert digests[0] == digests[1] != digests[2]


def test_a_digest_depends_on_the_secret_key_and_hides_the_address(
    trust: Trust, settings
) -> None:
    trust("")
    digest = network_digest(request("203.0.113.7"))
    assert len(digest) == 32
    assert "203" not in bytes.fromhex(digest).decode("latin-1")
    settings.SECRET_KEY = "another"
    assert network_digest(request("203.0.113.7")) != digest


def test_clients_without_an_address_are_one_network(trust: Trust) -> None:
    trust("")
    assert network_digest(request("")) == network_digest(request("nonsense"))
    assert network_digest(request("")) != network_digest(request("127.0.0.1"))


@settings(deadline=None)
@given(
    st.text(max_size=200 if IS_SOAK else 80),
    st.text(alphabet="0123456789abcdef:.,[]% unkow", max_size=80),
)
def test_addresses_before_the_one_that_the_proxy_saw_do_not_count(
    said: str, more: str
) -> None:
    with override_settings(TRUSTED_PROXIES=TrustedProxies((ip_network("10.0.0.1"),))):
        for spoof in (said, more):
            asked = request("10.0.0.1")
            asked.META["HTTP_X_FORWARDED_FOR"] = f"{spoof}, 203.0.113.7"
            assert str(client_address(asked)) == "203.0.113.7"
            asked.META["HTTP_X_FORWARDED_FOR"] = spoof
            assert len(network_digest(asked)) == 32
