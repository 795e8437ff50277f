"""A person's own presets: made, changed, and given to an account."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.conf import settings as site
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Preset, User
from chat.models.conversation import without_directions
from chat.models.user import fold
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.message_text import is_blank
from chat.services.presets import preset_gone
from chat.text_cleanup import as_line
from chatsite.catalog_presets import DESCRIPTION_CHARACTERS, LABEL_CHARACTERS


@transaction.atomic
def make_preset(
    owner: User, name: str, *, pk: UUID | None = None, **fields: Any
) -> Preset:
    """Make a preset.

    Raises ``MessageRefused`` with the code name_taken, too_many_presets or a code of
    ``clean_name``, and ``IntegrityError`` if the id was used before.
    """
    advisory_lock([f"presets:{owner.pk}"])
    made = Preset(id=pk or uuid.uuid4(), owner=owner, **fields)
    made.name = clean_name(name)
    _check_free(made)
    _check_room(owner)
    made.save(force_insert=True)
    return made


@transaction.atomic
def change_preset(preset: Preset, **fields: Any) -> None:
    """Change some fields of a preset; the others stay as they are by now.

    Raises ``MessageRefused`` as ``make_preset`` does, and with the code no_preset if it
    no longer exists.
    """
    advisory_lock([f"presets:{preset.owner_id}"])
    if not Preset.objects.select_for_update().filter(pk=preset.pk).exists():
        raise preset_gone()
    for name, value in fields.items():
        setattr(preset, name, value)
    preset.name = clean_name(preset.name)
    _check_free(preset)
    preset.save(update_fields=[*fields, "updated_at"])


def clean_name(name: str) -> str:
    """The name as it is stored: one line. Raises ``MessageRefused``.

    The codes are blank_name and name_too_long.
    """
    name = _clean_line(name)
    if is_blank(name):
        raise MessageRefused("blank_name", _("Write a name first."))
    if len(name) > LABEL_CHARACTERS:
        raise MessageRefused("name_too_long", _too_long(LABEL_CHARACTERS))
    return name


def clean_description(description: str) -> str:
    """The description as it is stored: one line. Raises ``MessageRefused``."""
    description = _clean_line(description)
    if len(description) > DESCRIPTION_CHARACTERS:
        said = _too_long(DESCRIPTION_CHARACTERS)
        raise MessageRefused("description_too_long", said)
    return description


def free_name(name: str, taken: set[str]) -> str:
    """The name, or the first of ``name (2)``, ``name (3)`` … that is not taken."""
    found, number = name, 1
    while fold(found) in taken:
        number += 1
        ending = f" ({number})"
        found = name[: LABEL_CHARACTERS - len(ending)] + ending
    return found


def move_presets(giver: UUID, taker: UUID) -> None:
    """Give the presets of a guest to an account; a taken name gets a number."""
    advisory_lock(sorted((f"presets:{giver}", f"presets:{taker}")))
    kept = Preset.objects.filter(owner=taker).values_list("name", flat=True)
    taken = {fold(name) for name in kept}
    for preset in Preset.objects.filter(owner=giver).order_by("created_at"):
        preset.name, preset.owner_id = free_name(preset.name, taken), taker
        taken.add(fold(preset.name))
        preset.save(update_fields=["name", "owner"])


def _clean_line(text: str) -> str:
    return as_line(without_directions(text))


def _too_long(limit: int) -> str:
    return _("At most %(limit)s characters.") % {"limit": limit}


def _check_free(preset: Preset) -> None:
    """Raises ``MessageRefused`` if its owner has another one of this name."""
    others = Preset.objects.filter(owner=preset.owner_id).exclude(pk=preset.pk)
    names = {fold(name) for name in others.values_list("name", flat=True)}
    if fold(preset.name) in names:
        said = _("You have a preset of this name. Choose another name.")
        raise MessageRefused("name_taken", said)


def _check_room(owner: User) -> None:
    """Raises ``MessageRefused`` if the owner has as many as one may have."""
    limit = site.PRESETS_MAX
    if Preset.objects.filter(owner=owner).count() >= limit:
        raise MessageRefused(
            "too_many_presets",
            ngettext(
                "You have %(count)s preset, and may have no more. Delete it first.",
                "You have %(count)s presets, and may have no more. Delete one first.",
                limit,
            )
            % {"count": limit},
        )
