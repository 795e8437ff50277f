from django.db import migrations, models
from django.db.models import Q


def mark(apps, _editor):
    """What waits now, and was sent when its model had been picked."""
    waiting = apps.get_model("chat", "Reply").objects.filter(
        state__in=("held", "queued")
    )
    for name in ("message__conversation__model", "message__owner__model"):
        waiting.filter(~Q(**{name: ""})).update(is_model_picked=True)


class Migration(migrations.Migration):
    dependencies = [("chat", "0004_passage")]

    operations = [
        migrations.AddField(
            model_name="reply",
            name="is_model_picked",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
