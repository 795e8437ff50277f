"""An index of the replies that were rated, built on PostgreSQL while the site writes."""

from django.db import migrations, models

from chat.migrations._add_index import AddIndexWithoutLock


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0023_reply_ratings")]

    operations = [
        AddIndexWithoutLock(
            model_name="reply",
            index=models.Index(
                condition=models.Q(rating__in=("up", "down")),
                fields=["model", "rating", "origin"],
                name="reply_rated",
            ),
        ),
    ]
