"""Temporary chats are erased some time after their last page was closed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0031_deleted_turns")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="temporary_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
