"""Names the device of a session by its browser and system: “Firefox on Linux”."""

from __future__ import annotations

from django.utils.translation import gettext as _

#: Many browsers also name others, so the most specific mark comes first.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def device_name(user_agent: str) -> str:
    """Return browser and system, or an empty string if neither is known."""
    browser = _first_match(BROWSERS, user_agent)
    system = _first_match(SYSTEMS, user_agent)
    return " on ".join(filter(None, (browser, system)))


def translated_device_name(stored: str) -> str:
    """Return a stored name, which is English, in the language of the page."""
    browser, separator, system = stored.partition(" on ")
    if not separator:
        return stored
    return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}


def _first_match(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in known if mark in user_agent), "")
