"""Conversations name the reply that was ready last."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0032_temporary_chats")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="ready_reply",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
    ]
