"""Names and addresses: of hosts, networks, cookies, headers and devices."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatsite import hosts, mail_url, scheme_header, url_prefix
from chatsite.setting_types.base import BadValue, Setting
from chatsite.trusted_proxies import TrustedProxies


@dataclass(frozen=True)
class BindAddress(Setting[str]):
    """An address or host name to listen on."""

    def parse(self, raw: str) -> str:
        try:
            return hosts.bind_address(raw)
        except ValueError:
            raise BadValue.unlike(self.values, raw) from None

    @property
    def values(self) -> str:
        return "an address like 127.0.0.1 or ::1"


@dataclass(frozen=True)
class HostNames(Setting[list[str]]):
    """Host names separated by commas, in the form that Django compares."""

    def parse(self, raw: str) -> list[str]:
        if not (words := words_of(raw)):
            raise BadValue.unlike("names of hosts", raw)
        try:
            return [hosts.allowed_host(word) for word in words]
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: list[str]) -> str:
        return ",".join(value)

    @property
    def values(self) -> str:
        return "names like chat.example.org, .example.org, [::1] or *"


@dataclass(frozen=True)
class Origins(Setting[list[str]]):
    """Origins such as ``https://chat.example.org``, separated by commas."""

    def parse(self, raw: str) -> list[str]:
        words = words_of(raw)
        try:
            return [hosts.origin(word) for word in words]
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: list[str]) -> str:
        return ",".join(value)

    @property
    def values(self) -> str:
        return (
            "origins like https://chat.example.org or https://*.example.org, "
            "without a path"
        )


@dataclass(frozen=True)
class SiteAddress(Setting[str]):
    """The public address of the site, as an origin; its path is the prefix alone."""

    def parse(self, raw: str) -> str:
        return self.parse_below(raw, "")

    def parse_below(self, raw: str, prefix: str) -> str:
        """The origin of ``raw``, whose path may be ``prefix``. Raises ``BadValue``."""
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
        """Like ``read``, for a site with that prefix."""
        if not (raw := self.raw()):
            return self.default
        return self.checked(lambda: self.parse_below(raw, prefix))

    @property
    def values(self) -> str:
        return "an address like https://chat.example.org (URL_PREFIX is its path)"


@dataclass(frozen=True)
class PathPrefix(Setting[str]):
    """The path of the site, such as ``/chat``; empty at the root of its host."""

    def parse(self, raw: str) -> str:
        try:
            return url_prefix.parse(raw)
        except ValueError as bad:
            raise BadValue.unlike(str(bad), raw) from None

    @property
    def values(self) -> str:
        return "a path of plain letters and digits like /chat"


@dataclass(frozen=True)
class HeaderName(Setting[str]):
    """The header in which a proxy says ``https``, as WSGI spells it."""

    def parse(self, raw: str) -> str:
        try:
            return scheme_header.parse(raw)
        except ValueError as bad:
            raise BadValue.unlike(str(bad), raw) from None

    def spell(self, value: str) -> str:
        return value.removeprefix("HTTP_").replace("_", "-").title()

    @property
    def values(self) -> str:
        return "the name of a header that says https, like X-Forwarded-Proto"


@dataclass(frozen=True)
class ProxyNetworks(Setting[TrustedProxies]):
    """Addresses, networks such as ``10.0.0.0/8``, and ``unix``, between commas."""

    def parse(self, raw: str) -> TrustedProxies:
        words = words_of(raw)
        try:
            return TrustedProxies.parse(words)
        except ValueError:
            raise BadValue.unlike(self.values, ",".join(words)) from None

    def spell(self, value: TrustedProxies) -> str:
        return ",".join(map(str, value.networks)) + ",unix" * value.is_unix_trusted

    @property
    def values(self) -> str:
        return "addresses or networks like 10.0.0.0/8, or unix"


@dataclass(frozen=True)
class CookieSuffix(Setting[str]):
    """The end of the names of the site's cookies."""

    def parse(self, raw: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", raw):
            raise BadValue.unlike(self.values, raw)
        return raw

    @property
    def values(self) -> str:
        return "up to 32 letters, digits, - or _"


@dataclass(frozen=True)
class MailSender(Setting[str]):
    """A mail address, with or without a name before it."""

    def parse(self, raw: str) -> str:
        if not mail_url.is_sender(raw):
            raise BadValue.unlike(self.values, raw)
        return raw

    @property
    def values(self) -> str:
        return "an address like Chat <chat@example.org>"


@dataclass(frozen=True)
class Device(Setting[str]):
    """A device of torch, or ``auto``."""

    def parse(self, raw: str) -> str:
        device = raw.lower()
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:(0|[1-9][0-9]?))?", device):
            raise BadValue.unlike(self.values, device)
        return device

    @property
    def values(self) -> str:
        return "auto, cpu, cuda, cuda:1 or mps"


def words_of(raw: str) -> list[str]:
    """The words between commas, without empty ones."""
    return [word.strip() for word in raw.split(",") if word.strip()]
