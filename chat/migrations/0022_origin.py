import django.utils.timezone
from django.db import migrations, models

CREATED = models.DateTimeField(default=django.utils.timezone.now, editable=False)


class Migration(migrations.Migration):
    """Adds where a reply comes from, and lets copies keep the times of their sources.

    The columns of the times stay as they are, so their tables are not made again.
    """

    dependencies = [
        ("chat", "0021_request_ids"),
    ]

    operations = [
        migrations.AddField(
            model_name="reply",
            name="origin",
            field=models.CharField(
                choices=[
                    ("generated", "Generated"),
                    ("edited", "Edited"),
                    ("copied", "Copied"),
                    ("imported", "Imported"),
                ],
                db_default="generated",
                default="generated",
                max_length=9,
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("conversation", "created_at", CREATED),
                migrations.AlterField("message", "created_at", CREATED.clone()),
            ]
        ),
    ]
