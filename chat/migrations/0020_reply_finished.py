"""An index of replies by their end, built on PostgreSQL while the site writes."""

from django.db import migrations, models

from chat.migrations._add_index import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0019_operation")]

    operations = [
        AddIndexWithoutLock(
            model_name="reply",
            index=models.Index(fields=["finished_at"], name="reply_finished"),
        ),
    ]
