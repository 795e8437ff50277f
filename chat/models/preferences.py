"""What somebody chose: for one conversation, or for all of theirs."""

from __future__ import annotations

from django.db import models


class Preferences(models.Model):
    """Empty means: not chosen here. A conversation goes before its owner, and an owner
    before what the catalogue says of the model."""

    #: Name of the model a person picked; empty follows the one served here.
    model = models.CharField(max_length=100, blank=True)
    #: The settings of ``wire.SamplingParams`` that were chosen, and no others.
    settings = models.JSONField(default=dict, blank=True)
    #: What the model is told before the first prompt.
    instructions = models.TextField(blank=True)

    class Meta:
        abstract = True
