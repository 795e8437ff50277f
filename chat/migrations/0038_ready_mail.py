"""Mail that a reply is ready, for accounts with a confirmed address that ask for it."""

from django.db import migrations, models

from chat.migrations._add_column import AddColumn


class Migration(migrations.Migration):
    dependencies = [("chat", "0037_presets")]

    operations = [
        AddColumn(
            model_name="user",
            name="confirmed_email",
            field=models.EmailField(
                blank=True, db_default="", default="", editable=False, max_length=254
            ),
        ),
        AddColumn(
            model_name="user",
            name="ready_mail_language",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=10
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="ready_mailed_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
