"""Names of cookies that belong to this site alone.

Cookies know no port: two sites on one host share a browser's cookies, and one would
overwrite those of the other. A suffix, the same on all web servers of a site, keeps
their names apart.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

SUFFIX_CHARACTERS = 8
#: A browser takes such a cookie from this host alone, and over HTTPS alone.
HOST_PREFIX = "__Host-"


def suffix_of(secret_key: str) -> str:
    """A digest of the site's key. It tells nothing of the key."""
    digest = hmac.new(secret_key.encode(), b"chatsite.cookie_names", "sha256")
    return digest.hexdigest()[:SUFFIX_CHARACTERS]


@dataclass(frozen=True, slots=True)
class CookieNames:
    """``prefix`` is ``__Host-`` or empty; the latest earlier suffix is first."""

    prefix: str
    suffix: str
    earlier_suffixes: tuple[str, ...] = ()

    def own(self, base: str) -> str:
        return f"{self.prefix}{base}_{self.suffix}"

    def earlier(self, base: str) -> list[str]:
        """Names that browsers may still have from before: of an earlier key, then the
        bare one, which other sites on this host may use as well."""
        named = [f"{self.prefix}{base}_{suffix}" for suffix in self.earlier_suffixes]
        return [*named, f"{self.prefix}{base}"]

    def of_other_scheme(self, base: str) -> list[str]:
        """Names that browsers may have from before ``HTTPS_ONLY`` was switched."""
        other = replace(self, prefix="" if self.prefix else HOST_PREFIX)
        return [other.own(base), *other.earlier(base)]


def cookie_names(
    prefix: str, suffix: str, key: str, earlier_keys: Sequence[str]
) -> CookieNames:
    """``suffix`` is empty where the site's key makes it."""
    derived = [suffix_of(one) for one in (key, *earlier_keys)]
    own = suffix or derived[0]
    earlier = tuple(one for one in dict.fromkeys(derived) if one != own)
    return CookieNames(prefix, own, earlier)
