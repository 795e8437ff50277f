"""The list with pinned conversations first, and the archive."""

from django.db import migrations, models
from django.db.models import Q

from chat.migrations._add_index import AddIndexWithoutLock
from chat.migrations._remove_index import RemoveIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0025_pinned_and_archived")]

    operations = [
        AddIndexWithoutLock(
            model_name="conversation",
            index=models.Index(
                condition=Q(deleted_at=None, is_archived=False, is_hidden=False),
                fields=["owner", "-is_pinned", "-updated_at", "-id"],
                name="conversation_listed",
            ),
        ),
        AddIndexWithoutLock(
            model_name="conversation",
            index=models.Index(
                condition=Q(deleted_at=None, is_archived=True, is_hidden=False),
                fields=["owner", "-updated_at", "-id"],
                name="conversation_archived",
            ),
        ),
        RemoveIndexWithoutLock("conversation", "conversation_list"),
    ]
