"""`manage.py push_key` prints settings that the site takes."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from chatsite.settings_table.notifications import VAPID_CONTACT, VAPID_PRIVATE_KEY


def test_each_key_is_new_and_valid() -> None:
    keys = set()
    for _ in range(2):
        out = StringIO()
        call_command("push_key", stdout=out)
        said = dict(line.split("=", 1) for line in out.getvalue().splitlines())
        keys.add(VAPID_PRIVATE_KEY.parse(said["VAPID_PRIVATE_KEY"]))
        VAPID_CONTACT.parse(said["VAPID_CONTACT"])
    assert len(keys) == 2
