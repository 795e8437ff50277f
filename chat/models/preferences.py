"""The settings that a user chose, for one conversation or for all."""

from __future__ import annotations

from django.db import models


class Preferences(models.Model):
    """Chosen settings; empty means not chosen here.

    Those of a conversation override its owner's, and these override the catalogue's.
    """

    #: Name of the model that the user picked; empty follows the site's choice.
    model = models.CharField(max_length=100, blank=True)
    #: Only the settings of ``wire.SamplingParams`` that were chosen.
    settings = models.JSONField(default=dict, blank=True)
    #: The system prompt.
    instructions = models.TextField(blank=True)

    class Meta:
        abstract = True
