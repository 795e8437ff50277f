"""Names and addresses: of hosts, networks, cookies, headers and devices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from chatsite import hosts, mail_url, scheme_header, url_prefix
from chatsite.setting_types.base import BadValue, Setting
from chatsite.trusted_proxies import TrustedProxies


@dataclass(frozen=True)
class BindAddress(Setting[str]):
    """An address or host name to listen on."""

    values = "an address like 127.0.0.1 or ::1"

    def parse(self, raw: str) -> str:
        """Return the address without brackets. Raises ``BadValue``."""
        try:
            return hosts.bind_address(raw)
        except ValueError:
            raise BadValue.unlike(self.values, raw) from None


@dataclass(frozen=True)
class ModelNames(Setting[tuple[str, ...]]):
    """Names of the catalogue, separated by commas."""

    values = "names of the catalogue, separated by commas"

    def parse(self, raw: str) -> tuple[str, ...]:
        """Return the names in their order, each of them once."""
        return tuple(dict.fromkeys(words_of(raw)))

    def spell(self, value: tuple[str, ...]) -> str:
        """Return the names with commas between them."""
        return ",".join(value)


@dataclass(frozen=True)
class HostNames(Setting[list[str]]):
    """Host names separated by commas, in the form that Django compares."""

    values = "names like chat.example.org, .example.org, [::1] or *"

    def parse(self, raw: str) -> list[str]:
        """Return the names as Django compares them. Raises ``BadValue``."""
        if not (words := words_of(raw)):
            raise BadValue.unlike("names of hosts", raw)
        try:
            return [hosts.allowed_host(word) for word in words]
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: list[str]) -> str:
        """Return the names with commas between them."""
        return ",".join(value)


@dataclass(frozen=True)
class Origins(Setting[list[str]]):
    """Origins such as ``https://chat.example.org``, separated by commas."""

    values = (
        "origins like https://chat.example.org or https://*.example.org, without a path"
    )

    def parse(self, raw: str) -> list[str]:
        """Return the origins as browsers spell them. Raises ``BadValue``."""
        words = words_of(raw)
        try:
            return [hosts.origin(word) for word in words]
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: list[str]) -> str:
        """Return the origins with commas between them."""
        return ",".join(value)


@dataclass(frozen=True)
class SiteAddress(Setting[str]):
    """The public address of the site, as an origin; its path is the prefix alone."""

    values = "an address like https://chat.example.org (URL_PREFIX is its path)"

    def parse(self, raw: str) -> str:
        """Return the origin of a site without a prefix. Raises ``BadValue``."""
        return self.parse_below(raw, "")

    def parse_below(self, raw: str, prefix: str) -> str:
        """Return the origin of an address with the path ``prefix``, or with none.

        Raises ``BadValue``.
        """
        if not (address := raw.rstrip("/")):
            return ""
        try:
            origin = hosts.origin(address.removesuffix(prefix))
        except ValueError:
            origin = ""
        if not origin or "*" in origin:
            found = "one with a name or password" if "@" in address else address
            raise BadValue.unlike(self.values, found)
        return origin

    def read_below(self, prefix: str) -> str:
        """Read the address of a site with this prefix; see ``read``."""
        if not (raw := self.raw()):
            return self.default
        return self.checked(lambda: self.parse_below(raw, prefix))


@dataclass(frozen=True)
class PathPrefix(Setting[str]):
    """The path of the site, such as ``/chat``; empty at the root of its host."""

    values = "a path of plain letters and digits like /chat"

    def parse(self, raw: str) -> str:
        """Return the path without a slash at its end. Raises ``BadValue``."""
        try:
            return url_prefix.parse(raw)
        except ValueError as bad:
            raise BadValue.unlike(str(bad), raw) from None


@dataclass(frozen=True)
class HeaderName(Setting[str]):
    """The header in which a proxy says ``https``, as WSGI spells it."""

    values = "the name of a header that says https, like X-Forwarded-Proto"

    def parse(self, raw: str) -> str:
        """Return the name as WSGI spells it. Raises ``BadValue``."""
        try:
            return scheme_header.parse(raw)
        except ValueError as bad:
            raise BadValue.unlike(str(bad), raw) from None

    def spell(self, value: str) -> str:
        """Return the name as HTTP spells it."""
        return value.removeprefix("HTTP_").replace("_", "-").title()


@dataclass(frozen=True)
class ProxyNetworks(Setting[TrustedProxies]):
    """Addresses, networks such as ``10.0.0.0/8``, and ``unix``, between commas."""

    values = "addresses or networks like 10.0.0.0/8, or unix"

    def parse(self, raw: str) -> TrustedProxies:
        """Return the proxies. Raises ``BadValue``."""
        words = words_of(raw)
        try:
            return TrustedProxies.parse(words)
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: TrustedProxies) -> str:
        """Return the networks with commas between them."""
        return ",".join(map(str, value.networks)) + ",unix" * value.is_unix_trusted


@dataclass(frozen=True)
class Networks(Setting[tuple[IPv4Network | IPv6Network, ...]]):
    """Addresses and networks such as ``192.168.0.0/16``, between commas."""

    values = "addresses or networks like 192.168.0.0/16"

    def parse(self, raw: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the networks. Raises ``BadValue``."""
        words = words_of(raw)
        try:
            return tuple(ip_network(word) for word in words)
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: tuple[IPv4Network | IPv6Network, ...]) -> str:
        """Return the networks with commas between them."""
        return ",".join(map(str, value))


@dataclass(frozen=True)
class CookieSuffix(Setting[str]):
    """The end of the names of the site's cookies."""

    values = "up to 32 letters, digits, - or _"

    def parse(self, raw: str) -> str:
        """Return the suffix. Raises ``BadValue``."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", raw):
            raise BadValue.unlike(self.values, raw)
        return raw


@dataclass(frozen=True)
class MailSender(Setting[str]):
    """A mail address, with or without a name before it."""

    values = "an address like Chat <chat@example.org>"

    def parse(self, raw: str) -> str:
        """Return the address. Raises ``BadValue``."""
        if not mail_url.is_sender(raw):
            raise BadValue.unlike(self.values, raw)
        return raw


@dataclass(frozen=True)
class ContactAddress(Setting[str]):
    """Where to reach a person, as a link."""

    values = "an address like mailto:admin@example.org or https://example.org/contact"

    def parse(self, raw: str) -> str:
        """Return the link. Raises ``BadValue``."""
        if not re.fullmatch(r"mailto:[^@\s]+@[\w.-]+|https://[\w.-]+(/\S*)?", raw):
            raise BadValue.unlike(self.values, raw)
        return raw


@dataclass(frozen=True)
class Device(Setting[str]):
    """A device of torch, or ``auto``."""

    values = "auto, cpu, cuda, cuda:1 or mps"

    def parse(self, raw: str) -> str:
        """Return the device in lower case. Raises ``BadValue``."""
        device = raw.lower()
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:(0|[1-9][0-9]?))?", device):
            raise BadValue.unlike(self.values, device)
        return device


def words_of(raw: str) -> list[str]:
    """Return the words between commas, without empty ones."""
    return [word.strip() for word in raw.split(",") if word.strip()]
