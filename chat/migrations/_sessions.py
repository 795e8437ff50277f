"""Sessions move from Django's table into ours, so that nobody is signed out."""

from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.utils import timezone

OLD = "django_session"


class SessionStore(SessionBase):
    """Reads what was signed under this name, as Django's own store did."""


def take_over(apps: Any, editor: Editor) -> None:
    """Copy those that have not run out, and drop the old table where there is one."""
    connection = editor.connection
    if OLD not in connection.introspection.table_names():
        return
    session, user = apps.get_model("chat", "Session"), apps.get_model("chat", "User")
    users = set(user.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT session_key, session_data, expire_date FROM {OLD}"
            " WHERE expire_date > %s",
            [connection.ops.adapt_datetimefield_value(timezone.now())],
        )
        rows = cursor.fetchall()
    made = []
    for key, data, expires in rows:
        expires = _aware(expires)
        raw = SessionStore().decode(data).get(SESSION_KEY)
        owner = UUID(raw) if raw else None
        if owner is None or owner in users:
            made.append(
                session(
                    session_key=key,
                    session_data=data,
                    expire_date=expires,
                    user_id=owner,
                )
            )
    session.objects.bulk_create(made, batch_size=500)
    editor.execute(f"DROP TABLE {OLD}")


def notice_all(apps: Any, editor: Editor) -> None:
    """Nobody counts as idle for not having been noticed before."""
    apps.get_model("chat", "User").objects.update(seen_at=timezone.now())


def _aware(value: Any) -> Any:
    """SQLite tells times as text or without their zone, which is UTC."""
    if isinstance(value, str):
        value = timezone.datetime.fromisoformat(value)
    return value if timezone.is_aware(value) else timezone.make_aware(value)
