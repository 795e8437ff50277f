"""What a reply may be, apart from its state."""

from __future__ import annotations

from django.db import models


class Origin(models.TextChoices):
    """How a reply came here."""

    #: A worker wrote it for this message.
    GENERATED = "generated"
    #: A person changed the text of another version.
    EDITED = "edited"
    #: A copy from another conversation of this site.
    COPIED = "copied"
    IMPORTED = "imported"
    #: A worker wrote it as a title; no person asked for it.
    TITLE = "title"


class Rating(models.TextChoices):
    """What a person thinks of a reply."""

    UP = "up"
    DOWN = "down"
