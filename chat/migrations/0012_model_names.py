"""Two models get plainer names; their tables keep theirs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0011_idempotency_keys")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Allowance", "LimitBucket"),
                migrations.AlterModelTable("limitbucket", "chat_allowance"),
                migrations.RenameModel("Attempts", "AttemptCounter"),
                migrations.AlterModelTable("attemptcounter", "chat_attempts"),
                migrations.AlterField(
                    "limitbucket",
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="limit_buckets",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
