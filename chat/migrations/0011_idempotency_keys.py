"""Idempotency keys get a table of their own: every request that makes something may
have one, not a message alone.

A million messages take a minute or two on SQLite, which copies the table of messages to
take a column out, and some seconds on PostgreSQL.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from chat.migrations import _keys, _search


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0010_folded_words"),
    ]

    operations = [
        # On the way back this one is the last.
        migrations.RunPython(migrations.RunPython.noop, _search.restore_triggers),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("key", models.CharField(max_length=200)),
                ("request_digest", models.CharField(max_length=64)),
                ("reply", models.UUIDField(null=True)),
                (
                    "conversation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="chat.conversation",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "key"), name="one_request_per_key"
                    )
                ],
            },
        ),
        migrations.RunPython(_keys.copy, _keys.put_back),
        migrations.RemoveConstraint("message", "one_message_per_key"),
        migrations.RemoveField("message", "idempotency_key"),
        migrations.RunPython(_search.restore_triggers, migrations.RunPython.noop),
    ]
