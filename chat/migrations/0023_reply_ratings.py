"""What people think of replies: a thumb, and a reason."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0022_origin")]

    operations = [
        migrations.AddField(
            model_name="reply",
            name="rating",
            field=models.CharField(
                blank=True,
                choices=[("up", "Up"), ("down", "Down")],
                db_default="",
                default="",
                max_length=4,
            ),
        ),
        migrations.AddField(
            model_name="reply",
            name="rating_reason",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
