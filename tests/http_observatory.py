"""Mozilla's HTTP Observatory, as far as it grades what a server says.

Tests and scoring: https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring
(page of 2025). A site begins with 100; what is missing takes away; extra credit counts
from 90 on; 100 is an A+.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.cookies import Morsel, SimpleCookie

EXTRA_CREDIT_FROM = 90
A_PLUS = 100
HALF_A_YEAR_SECONDS = 15_768_000
UNSAFE = {"'unsafe-inline'", "'unsafe-eval'", "data:", "*", "http:", "https:", "ftp:"}
PRIVATE_REFERRERS = {
    "no-referrer",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
}


def score(headers: Mapping[str, str], cookies: Sequence[str], redirect: str) -> int:
    """Of an answer over HTTPS; ``redirect`` is where plain HTTP leads."""
    parts = (
        _policy(headers.get("content-security-policy", "")),
        _cookies(cookies),
        -50 if "access-control-allow-credentials" in headers else 0,
        0 if redirect.startswith("https://") else -20,
        _referrer(headers.get("referrer-policy", "")),
        _transport(headers.get("strict-transport-security", "")),
        0 if headers.get("x-content-type-options") == "nosniff" else -5,
        _framing(headers),
        _resource(headers.get("cross-origin-resource-policy", "")),
    )
    # Scripts of the same origin need no integrity: 0.
    plain = 100 + sum(part for part in parts if part < 0)
    extra = sum(part for part in parts if part > 0)
    return plain + extra if plain >= EXTRA_CREDIT_FROM else max(0, plain)


def directives(policy: str) -> dict[str, set[str]]:
    words = [part.split() for part in policy.split(";") if part.strip()]
    return {name: set(values) for name, *values in words}


def _policy(policy: str) -> int:
    if not policy:
        return -25
    said = directives(policy)
    default = said.get("default-src", {"*"})
    script, objects = said.get("script-src", default), said.get("object-src", default)
    if (script | objects) & (UNSAFE - {"'unsafe-eval'"}):
        return -20
    if "'unsafe-eval'" in script | said.get("style-src", default):
        return -10
    if said.get("style-src", default) & UNSAFE:
        return 0
    return 10 if default == {"'none'"} else 5


def _cookies(lines: Sequence[str]) -> int:
    found: list[Morsel[str]] = []
    for line in lines:
        found += SimpleCookie(line).values()
    if not found:
        return 0
    worst = 5 if all(one["samesite"] in ("Lax", "Strict") for one in found) else 0
    for one in found:
        name = one.key.lower()
        is_session = "sess" in name or "login" in name
        if not one["secure"]:
            worst = min(worst, -40 if is_session else -20)
        if is_session and not one["httponly"]:
            worst = min(worst, -30)
        if "csrf" in name and not one["samesite"]:
            worst = min(worst, -20)
    return worst


def _referrer(said: str) -> int:
    return 5 if said in PRIVATE_REFERRERS else -5 if said else 0


def _transport(said: str) -> int:
    if not said:
        return -20
    (age,) = [part for part in said.replace(" ", "").split(";") if "max-age" in part]
    return 0 if int(age.partition("=")[2]) >= HALF_A_YEAR_SECONDS else -10


def _framing(headers: Mapping[str, str]) -> int:
    if "frame-ancestors" in directives(headers.get("content-security-policy", "")):
        return 5
    return 0 if headers.get("x-frame-options") in ("DENY", "SAMEORIGIN") else -20


def _resource(said: str) -> int:
    return 10 if said in ("same-origin", "same-site") else -50 if said else 0
