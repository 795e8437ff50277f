"""Conversations that no page shows are neither in the index of the list nor in search."""

from django.db import migrations, models

from chat.migrations import _search_shown


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0014_api_keys"),
    ]

    operations = [
        migrations.RemoveIndex("conversation", "conversation_history"),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("is_hidden", False)),
                fields=["owner", "-updated_at", "-id"],
                name="conversation_list",
            ),
        ),
        migrations.RunPython(_search_shown.make, _search_shown.drop),
    ]
