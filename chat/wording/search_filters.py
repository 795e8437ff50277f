"""What the filters of search mean, for its page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: Filters as they are typed, what they find, and whether they fit as they are.
FILTER_HELP = (
    (
        ("in:archive", "in:pinned"),
        _("in conversations that are archived or pinned"),
        True,
    ),
    (
        ("from:me", "from:model"),
        _("what you wrote, or what the model wrote"),
        True,
    ),
    (
        ("has:code", "has:file"),
        _("messages with code, or with a file that you attached"),
        True,
    ),
    (
        ("before:2026-05-01", "after:2026-05-01"),
        _("said before or after that day"),
        False,
    ),
)
