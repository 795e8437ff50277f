"""Imports of an owner: begun, confirmed and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import ConversationImport, ImportStatus, User
from chat.models.conversation_import import OPEN
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.imports.source_messages import text_of
from chat.services.limits.admission import admit_import
from chat.services.limits.wording import number
from chat.text_cleanup import as_line

NAME_CHARACTERS = 200
#: Imports that one step erases.
ERASED_AT_ONCE = 5


@transaction.atomic
def begin_import(
    owner: User, name: str, size: int, chunks: Iterable[bytes], pk: UUID | None = None
) -> ConversationImport:
    """Keep a file, which the keeper reads. Raises ``MessageRefused``."""
    advisory_lock([f"imports:{owner.pk}"])
    if size > settings.IMPORT_FILE_MAX_BYTES:
        limit = filesizeformat(settings.IMPORT_FILE_MAX_BYTES)
        said = _("The file is too large to import. It may have %(limit)s.")
        raise MessageRefused("import_too_large", said % {"limit": limit})
    if not size:
        said = _("The file is empty. Choose an export with conversations.")
        raise MessageRefused("empty_import", said)
    if owner.imports.filter(status__in=OPEN).count() >= settings.IMPORTS_MAX:
        most = number(settings.IMPORTS_MAX)
        said = _(
            "Import or discard an unfinished import first: at most %(most)s at once."
        )
        raise MessageRefused("too_many_imports", said % {"most": most})
    admit_import(owner)
    made = ConversationImport.objects.create(
        pk=pk or uuid4(),
        owner=owner,
        name=as_line(text_of(name))[:NAME_CHARACTERS],
        size_bytes=size,
        expires_at=timezone.now() + timedelta(hours=settings.IMPORT_KEEP_HOURS),
    )
    made.add_pieces(chunks)
    return made


def confirm_import(of_import: ConversationImport) -> bool:
    """Have what was read stored; False if it is not read, or was confirmed before."""
    # Keepers that died while they read it count no longer.
    free = {"tries": 0, "claimed_by": None, "claimed_until": None}
    return of_import.move(ImportStatus.READY, ImportStatus.IMPORTING, **free)


def delete_import(of_import: ConversationImport) -> None:
    """Delete an import with its file. What it has stored stays."""
    of_import.delete()


def erase_old_imports() -> bool:
    """Erase some imports that are kept no longer; False if there are none."""
    late = ConversationImport.objects.filter(expires_at__lt=timezone.now())
    pks = list(late.values_list("pk", flat=True)[:ERASED_AT_ONCE])
    ConversationImport.objects.filter(pk__in=pks).delete()
    return bool(pks)
