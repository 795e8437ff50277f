"""Conversations can be pinned and archived."""

from django.db import migrations, models

from chat.migrations._add_column import AddColumn


class Migration(migrations.Migration):
    dependencies = [("chat", "0024_reply_rated")]

    operations = [
        AddColumn(
            model_name="conversation",
            name="is_pinned",
            field=models.BooleanField(db_default=False, default=False),
        ),
        AddColumn(
            model_name="conversation",
            name="is_archived",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
