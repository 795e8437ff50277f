"""What a request left behind: every row of every table, every key of Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import redis
from django.apps import apps
from django.db.models import Model

from chat.models import Session, User

#: Written by migrations alone.
FIXED = ("contenttypes.ContentType", "auth.Permission")
#: What a visit notes of the visitor: when, and in which browser.
OF_A_VISIT = {
    User: ("seen_at", "last_login", "network"),
    Session: ("seen_at", "device"),
}

#: So long at most is kept what goes by itself.
BRIEF_MS = 60_000
#: What Redis says of a key that is no more.
GONE_ALREADY = -2

Key = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Traces:
    rows: dict[Key, Row]
    keys: dict[str, bytes]

    def differs_from(self, before: Traces) -> list[str]:
        """What was added, changed or removed since, in words."""
        return [
            *_differences(before.rows, self.rows),
            *_differences(before.keys, self.keys),
        ]

    def lacks_of(self, before: Traces, owner: UUID, names: set[str]) -> list[str]:
        """What was changed or removed of what belongs to the owner."""
        mine = _belonging(before.rows, owner)
        keys = {key for key in before.keys if any(name in key for name in names)}
        return [
            *_differences(_only(before.rows, mine), _only(self.rows, mine)),
            *_differences(_only(before.keys, keys), _only(self.keys, keys)),
        ]


def traces(client: redis.Redis, visitor: User | None, session: str = "") -> Traces:
    """All there is, but for what a visit may note of the visitor, and whether the
    session of their cookie, if it is dead, was swept away."""
    rows: dict[Key, Row] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label in FIXED:
            continue
        for row in model._base_manager.values():
            key = (model._meta.label, str(row[model._meta.pk.attname]))
            if key != ("chat.Session", session):
                rows[key] = _without_visit(model, row, visitor)
    keys = _redis(client)
    if visitor is not None:
        keys.pop(f"mailbox:seen:{visitor.pk}", None)  # that a page of theirs is open
    return Traces(rows, keys)


def _without_visit(model: type[Model], row: Row, visitor: User | None) -> Row:
    whose = {User: "id", Session: "user_id"}.get(model)
    if visitor is None or whose is None or row[whose] != visitor.pk:
        return row
    return {name: value for name, value in row.items() if name not in OF_A_VISIT[model]}


def _redis(client: redis.Redis) -> dict[str, bytes]:
    """Without what goes by itself within a minute: who is behind a session, and what
    was collected of a reply."""
    keys = sorted(client.scan_iter())
    pipe = client.pipeline()
    for key in keys:
        pipe.pttl(key)
        pipe.type(key)
        pipe.dump(key)
    answers = pipe.execute()
    found = {
        key: value
        for key, ttl, value in zip(keys, answers[::3], answers[2::3], strict=True)
        if ttl != GONE_ALREADY and not 0 <= ttl <= BRIEF_MS
    }
    # The fields of a hash come in any order.
    kinds = dict(zip(keys, answers[1::3], strict=True))
    hashes = [key for key in found if kinds[key] == b"hash"]
    for key in hashes:
        pipe.hgetall(key)
    for key, fields in zip(hashes, pipe.execute(), strict=True):
        found[key] = repr(sorted(fields.items())).encode()
    return {key.decode(): value for key, value in found.items()}


def _differences(before: dict[Any, Any], after: dict[Any, Any]) -> list[str]:
    said = [f"{key} was added" for key in after.keys() - before.keys()]
    said += [f"{key} was removed" for key in before.keys() - after.keys()]
    for key in before.keys() & after.keys():
        if before[key] != after[key]:
            said.append(f"{key} was changed")
    return sorted(said)


def _only(found: dict[Any, Any], keys: set[Any]) -> dict[Any, Any]:
    return {key: value for key, value in found.items() if key in keys}


def _belonging(rows: dict[Key, Row], owner: UUID) -> set[Key]:
    """The owner's row, and whatever refers to one that belongs to it."""
    mine = {("chat.User", str(owner))} & rows.keys()
    referring = {
        model._meta.label: [
            (field.attname, field.related_model._meta.label)
            for field in model._meta.concrete_fields
            if field.is_relation and field.related_model is not None
        ]
        for model in apps.get_models(include_auto_created=True)
    }
    while True:
        found = {
            key
            for key, row in rows.items()
            if any(
                (label, str(row.get(name))) in mine for name, label in referring[key[0]]
            )
        }
        if found <= mine:
            return mine
        mine |= found
