"""Names of cookies that belong to this site alone.

Browsers do not keep the cookies of different ports apart. So two sites on one host
would overwrite each other's cookies. A suffix, which is the same on all web servers of
a site, keeps their names apart.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

SUFFIX_CHARACTERS = 8
#: Browsers accept a cookie with this prefix only from this very host, over HTTPS.
HOST_PREFIX = "__Host-"


def suffix_of(secret_key: str) -> str:
    """Return a digest of the site's key, from which the key cannot be derived."""
    digest = hmac.new(secret_key.encode(), b"chatsite.cookie_names", "sha256")
    return digest.hexdigest()[:SUFFIX_CHARACTERS]


@dataclass(frozen=True, slots=True)
class CookieNames:
    """The names of the site's cookies, now and before.

    ``prefix`` is ``__Host-`` or empty. The latest of the earlier suffixes is first.
    """

    prefix: str
    suffix: str
    earlier_suffixes: tuple[str, ...] = ()

    def own(self, base: str) -> str:
        """Return the name that the site gives its cookie ``base``."""
        return f"{self.prefix}{base}_{self.suffix}"

    def earlier(self, base: str) -> list[str]:
        """List the names under which browsers may still have the cookie from before.

        First those of earlier keys, then the bare name, which other sites on this host
        may use as well.
        """
        named = [f"{self.prefix}{base}_{suffix}" for suffix in self.earlier_suffixes]
        return [*named, f"{self.prefix}{base}"]

    def of_other_scheme(self, base: str) -> list[str]:
        """List the names of the cookie from before ``HTTPS_ONLY`` was switched."""
        other = replace(self, prefix="" if self.prefix else HOST_PREFIX)
        return [other.own(base), *other.earlier(base)]


def cookie_names(
    prefix: str, suffix: str, key: str, earlier_keys: Sequence[str]
) -> CookieNames:
    """Return the names of a site with this key; an empty ``suffix`` is derived."""
    derived = [suffix_of(one) for one in (key, *earlier_keys)]
    own = suffix or derived[0]
    earlier = tuple(one for one in dict.fromkeys(derived) if one != own)
    return CookieNames(prefix, own, earlier)
