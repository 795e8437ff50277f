"""A keeper claims an import, so that no other one reads it at the same time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0035_notices")]

    operations = [
        migrations.AddField(
            model_name="conversationimport",
            name="claimed_by",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="conversationimport",
            name="claimed_until",
            field=models.DateTimeField(null=True),
        ),
    ]
