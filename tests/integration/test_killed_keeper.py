"""A keeper that is killed while it sends a notice: the next one sends it again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from chat.services.notifications.vapid import new_private_key
from tests.chat.services.notifications.browser_keys import BrowserKeys
from tests.chat.services.outgoing.receiver import receiving
from tests.processes import Program
from tests.valkey import Valkey

#: A person whose reply has ended, and two browsers of theirs.
SEED = """
import uuid
from django.utils import timezone
from chat.models import *
from chatsite import wire
now = timezone.now()
owner = User.objects.guest(uuid.uuid4())
talk = Conversation.objects.create(owner=owner, title="Bees", has_unread=True)
said = Message.objects.create(conversation=talk, owner=owner, role=wire.Role.ASSISTANT)
reply = Reply.objects.create(message=said, model="m", seed=1, state="done", finished_at=now)
for number, address in enumerate({addresses!r}):
    session = Session.objects.create(
        session_key=f"key{{number}}", user=owner, expire_date="2999-01-01T00:00:00Z")
    browser = PushSubscription.objects.create(owner=owner, session=session,
        endpoint=address, p256dh={p256dh!r}, auth={auth!r}, language="en")
    Notice.objects.create(reply=reply, channel="push", subscription=browser, next_at=now)
"""


def test_a_notice_under_way_comes_again_and_one_that_has_left_does_not(
    valkey: Valkey,
    migrated: Callable[[Path], str],
    tmp_path: Path,
    until: Callable[..., None],
) -> None:
    database, keys = tmp_path / "chat.sqlite3", BrowserKeys()
    environment = {
        "DATABASE_URL": migrated(database),
        "REDIS_URL": valkey.url,
        "DATA_DIR": str(tmp_path / "data"),
        "VAPID_PRIVATE_KEY": new_private_key(),
        "VAPID_CONTACT": "mailto:a@example.org",
        "PUSH_PRIVATE_NETWORKS": "127.0.0.1",
        "SWEEP_SECONDS": "0.1",
    }

    def left() -> int:
        with closing(sqlite3.connect(database, timeout=10)) as opened:
            return int(opened.execute("SELECT count(*) FROM chat_notice").fetchone()[0])

    with receiving() as quick, receiving() as slow:
        quick.status = slow.status = 201
        slow.holds = True
        addresses = [f"{quick.address}/quick", f"{slow.address}/slow"]
        seed = SEED.format(addresses=addresses, p256dh=keys.p256dh, auth=keys.auth)
        with Program("manage.py", "shell", "-c", seed, **environment) as seeding:
            assert seeding.process.wait(60) == 0
        with Program("manage.py", "keeper", **environment) as keeper:
            until(lambda: slow.received and left() == 1)
            keeper.kill()
        with closing(sqlite3.connect(database, timeout=10)) as opened, opened:
            opened.execute("UPDATE chat_notice SET next_at = created_at")
        slow.released.set()
        with Program("manage.py", "keeper", **environment):
            until(lambda: left() == 0)
        assert (len(quick.received), len(slow.received)) == (1, 2)
        first, second = (keys.notice(one.body) for one in slow.received)
        assert first == second
        assert slow.received[0].headers["Topic"] == slow.received[1].headers["Topic"]
