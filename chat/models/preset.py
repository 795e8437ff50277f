"""A preset: a model, instructions and settings under one name."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from chat.models.preferences import Preferences
from chatsite.catalog_presets import DESCRIPTION_CHARACTERS, LABEL_CHARACTERS


class Preset(Preferences):
    """What a person begins conversations with; its values are copied into them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="presets",
        db_index=False,  # the constraint begins with it
    )
    name = models.CharField(max_length=LABEL_CHARACTERS)
    #: What it is good for; may be empty.
    description = models.CharField(max_length=DESCRIPTION_CHARACTERS, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            # The program also refuses names that differ only in case, by ``fold``,
            # which no database does alike.
            models.UniqueConstraint(fields=("owner", "name"), name="preset_name"),
        )

    def __str__(self) -> str:
        return f"preset {self.pk}"
