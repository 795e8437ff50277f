"""Reads the environment through django-environ; a bad value names its variable."""

from __future__ import annotations

import re
import secrets
import warnings
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

DATABASES = ("postgresql", "sqlite3")
SECRET_CHARACTERS_MIN = 32
REDIS_SCHEMES = ("redis", "rediss", "unix")
#: More than anybody asks for; whoever wants more wants no limit.
LIMIT_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose word on the address of a request is taken."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    is_unix_trusted: bool = False


class Environment:
    """Typed look-ups with bounds. An empty variable counts as unset.

    Every method raises ``ImproperlyConfigured`` with one line that names the
    variable, what was expected and what stood there.
    """

    def __init__(self) -> None:
        self._env = environ.Env()

    def text(self, name: str, default: str) -> str:
        return cast(str, self._env.str(name, default="")).strip() or default

    def path(self, name: str, default: Path) -> Path:
        """A path; a relative one is taken from the current directory."""
        return Path(self.text(name, str(default))).expanduser().absolute()

    def file(self, name: str) -> Path | None:
        """A file that is there; None where the variable is unset."""
        if not self.text(name, ""):
            return None
        path = self.path(name, Path())
        if not path.is_file():
            raise _refusal(name, "a file that can be read", str(path))
        return path

    def integer(
        self, name: str, default: int, *, minimum: int, maximum: int | None = None
    ) -> int:
        raw = self.text(name, str(default))
        try:
            value = int(raw)
        except ValueError:
            raise _refusal(name, "a whole number", raw) from None
        if value < minimum or (maximum is not None and value > maximum):
            bounds = f"from {minimum}" + (f" to {maximum}" if maximum else " up")
            raise _refusal(name, f"a whole number {bounds}", raw)
        return value

    def limit(self, name: str, default: int) -> int | None:
        """A whole number from 1 up; None, for no limit, where it is ``off`` or 0."""
        raw = self.text(name, str(default)).lower()
        if raw in ("off", "0"):
            return None
        expected = f"a whole number from 1 to {LIMIT_MAX}, or off"
        if not (raw.isascii() and raw.isdigit() and len(raw) <= len(str(LIMIT_MAX))):
            raise _refusal(name, expected, raw)
        if not 1 <= int(raw) <= LIMIT_MAX:
            raise _refusal(name, expected, raw)
        return int(raw)

    def number(self, name: str, default: float, *, minimum: float) -> float:
        raw = self.text(name, str(default))
        try:
            value = float(raw)
        except ValueError:
            raise _refusal(name, "a number", raw) from None
        if not minimum <= value < float("inf"):
            raise _refusal(name, f"a number from {minimum:g} up", raw)
        return value

    def flag(self, name: str, default: bool) -> bool:
        raw = self.text(name, "on" if default else "off").lower()
        if raw in self._env.BOOLEAN_TRUE_STRINGS:
            return True
        if raw in ("0", "false", "off", "no", "n"):
            return False
        raise _refusal(name, "on or off", raw)

    def device(self, name: str, default: str) -> str:
        """A device of torch, or ``auto``."""
        raw = self.text(name, default).lower()
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:\d+)?", raw):
            raise _refusal(name, "auto, cpu, cuda, cuda:1 or mps", raw)
        return raw

    def one_of(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of some words, in small letters."""
        raw = self.text(name, default).lower()
        if raw not in choices:
            raise _refusal(name, "one of " + ", ".join(choices), raw)
        return raw

    def origins(self, name: str) -> list[str]:
        """Origins such as ``https://chat.example.org``, separated by commas."""
        found = self.words(name, [])
        for origin in found:
            if not origin.startswith(("http://", "https://")):
                raise _refusal(name, "origins like https://chat.example.org", origin)
        return found

    def header(self, name: str, default: str) -> str:
        """The name of a request header, as WSGI spells it."""
        raw = self.text(name, default)
        if not re.fullmatch(r"[A-Za-z0-9-]+", raw):
            raise _refusal(name, "the name of a header", raw)
        return "HTTP_" + raw.upper().replace("-", "_")

    def secrets(self, name: str) -> list[str]:
        """Secrets separated by commas, none of them short enough to be guessed."""
        found = self.words(name, [])
        for one in found:
            _refuse_short(name, one)
        return found

    def site(self, name: str) -> str:
        """An address such as ``https://chat.example.org``, without a last slash."""
        raw = self.text(name, "").rstrip("/")
        parts = urlsplit(raw)
        is_address = parts.scheme in ("http", "https") and parts.netloc
        if raw and (not is_address or parts.path or parts.query or parts.fragment):
            raise _refusal(name, "an address like https://chat.example.org", raw)
        return raw

    def mail(self, name: str) -> dict[str, object]:
        """Django's settings of the server that takes mail; without one, none leaves."""
        raw = self.text(name, "dummymail://")
        try:
            config = dict(environ.Env.email_url_config(raw))
        except (ValueError, KeyError, ImproperlyConfigured):
            expected = "a URL like smtp+tls://user:password@host:587"
            raise _refusal(name, expected, _masked(raw)) from None
        return {key: value for key, value in config.items() if key.startswith("EMAIL_")}

    def proxies(self, name: str, default: list[str]) -> Proxies:
        """Networks such as ``10.0.0.0/8``, addresses, ``unix`` for a socket file."""
        words = self.words(name, default)
        expected = "addresses or networks like 10.0.0.0/8, or unix"
        try:
            networks = tuple(ip_network(w) for w in words if w != "unix")
        except ValueError:
            raise _refusal(name, expected, ",".join(words)) from None
        return Proxies(networks, is_unix_trusted="unix" in words)

    def words(self, name: str, default: list[str]) -> list[str]:
        """Words separated by commas."""
        raw = self.text(name, ",".join(default))
        return [word.strip() for word in raw.split(",") if word.strip()]

    def redis_url(self, name: str, default: str) -> str:
        raw = self.text(name, default)
        if urlsplit(raw).scheme not in REDIS_SCHEMES or not _has_port(raw):
            raise _refusal(name, "a URL like redis://host:6379/0", _masked(raw))
        return raw

    def passwords(self, *names: str) -> set[str]:
        """The passwords in these URLs, as they stand there and as they are meant."""
        found = {urlsplit(self.text(name, "")).password or "" for name in names}
        return {form for one in found for form in (one, unquote(one)) if form}

    def database(self, name: str, default: str) -> dict[str, object]:
        """Connection settings for Django from a database URL."""
        raw = self.text(name, default)
        try:
            config = dict(environ.Env.db_url_config(raw))
        except (ValueError, KeyError, ImproperlyConfigured):
            config = {}
        if str(config.get("ENGINE")).rpartition(".")[2] not in DATABASES:
            expected = "a URL like postgres://user:password@host/name or sqlite:///file"
            raise _refusal(name, expected, _masked(raw))
        return config


def _refusal(name: str, expected: str, found: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {expected}, not {found!r}.")


def _masked(url: str) -> str:
    """The URL without who logs in, for messages and logs."""
    return re.sub(r"(?<=://).*@", "***@", url)


def _has_port(url: str) -> bool:
    """False where a password that is not quoted is taken for a port."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def redis_tls(url: str, ca_file: Path | None) -> dict[str, Any]:
    """Options of the Redis client: over TLS it is always asked who it is.

    The URL may say otherwise (``?ssl_cert_reqs=none``).
    """
    if not url.startswith("rediss://"):
        return {}
    known = {"ssl_ca_certs": str(ca_file)} if ca_file else {}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, **known}


def broker_url(redis_url: str) -> str:
    """The same server as Celery spells it."""
    if redis_url.startswith("unix://"):
        return "redis+socket://" + redis_url.removeprefix("unix://")
    return redis_url


def allowed_hosts(bind: str) -> list[str]:
    """Names under which a server bound to ``bind`` is reached by default."""
    if bind in ("0.0.0.0", "::", "[::]"):
        return ["*"]
    return ["localhost", "127.0.0.1", "[::1]", bind]


def secret_key(env: Environment, data_dir: Path) -> str:
    """``SECRET_KEY``, else the key kept in the data folder, made at first use."""
    if key := env.text("SECRET_KEY", ""):
        _refuse_short("SECRET_KEY", key)
        return key
    kept = data_dir / "secret_key"
    try:
        return _kept_key(kept)
    except FileNotFoundError:
        return _new_key(kept)


def _refuse_short(name: str, secret: str) -> None:
    """Raises ``ImproperlyConfigured``, and does not repeat what stood there."""
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise ImproperlyConfigured(
            f"{name} must be at least {SECRET_CHARACTERS_MIN} random characters long; "
            "`openssl rand -hex 32` makes such a one."
        )


def _kept_key(kept: Path) -> str:
    """The key in this file, which is closed to others if somebody opened it."""
    if kept.stat().st_mode & 0o077:
        warnings.warn(f"{kept} could be read by others; closed", stacklevel=2)
        kept.chmod(0o600)
    key = kept.read_text().strip()
    if len(key) < SECRET_CHARACTERS_MIN:
        raise ImproperlyConfigured(
            f"{kept} holds no key; remove it, and a new one is made at the next start."
        )
    return key


def _new_key(kept: Path) -> str:
    """Write a fresh key that only its owner may read; the first process wins."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f"{kept.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    try:
        kept.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _kept_key(kept)
