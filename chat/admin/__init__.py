"""Django's admin, for support: who is there, how much waits, what went wrong.

It shows no text of anybody's: no titles, prompts, replies or instructions, in no list,
form, search or history. What it does goes through the services, as for their owners.
"""

from __future__ import annotations

from chat.admin import (  # noqa: F401 - registered by being imported
    conversations,
    invitations,
    people,
    replies,
    sessions,
)
