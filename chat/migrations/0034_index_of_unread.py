"""The unread conversations of an owner, which every list counts."""

from django.db import migrations, models
from django.db.models import Q

from chat.migrations._add_index import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0033_ready_reply")]

    operations = [
        AddIndexWithoutLock(
            model_name="conversation",
            index=models.Index(
                condition=Q(
                    deleted_at=None,
                    is_hidden=False,
                    is_archived=False,
                    has_unread=True,
                ),
                fields=["owner"],
                name="conversation_unread",
            ),
        ),
    ]
