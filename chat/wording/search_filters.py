"""What the filters of search mean, for its page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

#: Filters as they are typed, and what they find.
FILTER_HELP = (
    (
        ("in:archive", "in:pinned"),
        _("in conversations that are archived or pinned"),
    ),
    (
        ("from:me", "from:model"),
        _("what you wrote, or what the model wrote"),
    ),
    (
        ("has:code", "has:file"),
        _("messages with code, or with a file that you attached"),
    ),
    (
        ("before:2026-05-01", "after:2026-05-01"),
        _("said before or after that day"),
    ),
)
