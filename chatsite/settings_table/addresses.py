"""How browsers reach the site, and what signs its cookies."""

from __future__ import annotations

from chatsite.setting_types import (
    CookieSuffix,
    Flag,
    HeaderName,
    HostNames,
    Integer,
    Origins,
    PathPrefix,
    ProxyNetworks,
    SecretKey,
    SecretKeys,
    SiteAddress,
)
from chatsite.trusted_proxies import TrustedProxies

TITLE = "Address, HTTPS, proxies and cookies"
INTRODUCTION = ""

SITE_URL = SiteAddress(
    "SITE_URL",
    "",
    default_note="the host of each request",
    about="The public address of the site, `https://chat.example.org`. Links in mail "
    "and from commands lead there, forms from there are trusted, and mail needs it.",
)
URL_PREFIX = PathPrefix(
    "URL_PREFIX",
    "",
    default_note="SCRIPT_NAME, else none",
    fallback_names=("SCRIPT_NAME",),
    about="The path at which a proxy serves the site, `/chat`. The proxy may strip it "
    "or pass it on.",
)
ALLOWED_HOSTS = HostNames(
    "ALLOWED_HOSTS",
    [],
    default_note="the loopback names and BIND; any name if BIND is every address",
    about="The host names to which the site answers, separated by commas. "
    "`.example.org` includes all names below it; a port is ignored.",
)
CSRF_TRUSTED_ORIGINS = Origins(
    "CSRF_TRUSTED_ORIGINS",
    [],
    default_note="SITE_URL",
    about="Further addresses at which a proxy serves the pages, separated by commas: "
    "`https://chat.example.org`, `https://*.example.org`.",
)
HTTPS_ONLY = Flag(
    "HTTPS_ONLY",
    False,
    about="For a site behind a proxy that speaks HTTPS: cookies travel only over "
    "HTTPS, plain requests are redirected, and browsers are told to stay with HTTPS. "
    "At the switch guests keep their conversations; accounts have to log in again.",
)
HSTS_DAYS = Integer(
    "HSTS_DAYS",
    365,
    minimum=0,
    maximum=3650,
    about="With `HTTPS_ONLY`: for how many days a browser refuses plain HTTP after a "
    "visit.",
)
TRUSTED_PROXIES = ProxyNetworks(
    "TRUSTED_PROXIES",
    TrustedProxies(),
    default_note="none; with HTTPS_ONLY those on this machine",
    about="The proxies whose `X-Forwarded-For` is believed: addresses and networks, "
    "separated by commas, and `unix` for a proxy behind a socket file.",
)
PROXY_SCHEME_HEADER = HeaderName(
    "PROXY_SCHEME_HEADER",
    "HTTP_X_FORWARDED_PROTO",
    about="The header in which a trusted proxy says `https` (or `on`, as in "
    "`X-Forwarded-Ssl`).",
)
SECRET_KEY = SecretKey(
    "SECRET_KEY",
    "",
    default_note="made once and kept in DATA_DIR",
    is_secret=True,
    about="Signs cookies and links; the same on all web servers of a site.",
)
SECRET_KEY_FALLBACKS = SecretKeys(
    "SECRET_KEY_FALLBACKS",
    [],
    is_secret=True,
    about="Earlier secret keys, whose cookies and links still count, separated by "
    "commas. A key may itself contain commas: the text between any two commas is "
    "tried.",
)
COOKIE_SUFFIX = CookieSuffix(
    "COOKIE_SUFFIX",
    "",
    default_note="a digest of SECRET_KEY",
    about="The end of the names of the site's cookies, which keeps two sites on one "
    "host apart. Set it if they share a `SECRET_KEY`, and keep it: cookies with "
    "another suffix no longer count.",
)
