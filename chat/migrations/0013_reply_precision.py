"""Replies say in what precision the model's weights were stored."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0012_model_names")]

    operations = [
        migrations.AddField(
            model_name="reply",
            name="precision",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=10
            ),
        ),
    ]
