"""Migrations run while the release before them serves people, on PostgreSQL."""

from __future__ import annotations

import json

import pytest

from tests.postgres import empty_database
from tests.processes import ROOT
from tests.upgrade.earlier import Release
from tests.upgrade.locking_sql import locking

#: Older than the rule. Sites that run have them.
BEFORE_THE_RULE = "0018"
#: Migrations that break the rule, with why nothing waits for them.
ALLOWED: dict[str, str] = {}
SQL_OF = """
import io, json, sys
from django.core.management import call_command
found = {}
for name in %r:
    found[name] = call_command("sqlmigrate", "chat", name, stdout=io.StringIO())
print(json.dumps(found))
"""
#: Statements with what is wrong with them.
BAD = [
    'CREATE INDEX "a" ON "chat_reply" ("state");',
    'CREATE UNIQUE INDEX "a" ON "chat_reply" ("state");',
    'DROP INDEX IF EXISTS "a";',
    'ALTER TABLE "chat_reply" ALTER COLUMN "seed" TYPE text USING "seed"::text;',
    'ALTER TABLE "chat_reply" ALTER COLUMN "seed" SET NOT NULL;',
    (
        'ALTER TABLE "chat_reply" ADD COLUMN "n" int DEFAULT 0 NOT NULL;\n'
        'ALTER TABLE "chat_reply" ALTER COLUMN "n" DROP DEFAULT;'
    ),
    'ALTER TABLE "chat_reply" ADD COLUMN "n" uuid DEFAULT gen_random_uuid() NOT NULL;',
    'ALTER TABLE "chat_reply" ADD CONSTRAINT "a" CHECK (seed > 0);',
    'ALTER TABLE "chat_reply" ADD CONSTRAINT "a" UNIQUE ("seed");',
    'ALTER TABLE "chat_reply" RENAME COLUMN "a" TO "b";',
    'ALTER TABLE "chat_reply" DROP COLUMN "seed" CASCADE;',
    'DROP TABLE "chat_reply" CASCADE;',
    'UPDATE "chat_reply" SET "seed" = 1;',
]
GOOD = [
    'CREATE INDEX CONCURRENTLY "a" ON "chat_reply" ("state");',
    'ALTER TABLE "chat_reply" ADD COLUMN "n" integer NULL;',
    'ALTER TABLE "chat_reply" ADD COLUMN "n" integer DEFAULT 0 NOT NULL;',
    'ALTER TABLE "chat_reply" ADD CONSTRAINT "a" CHECK (seed > 0) NOT VALID;',
    'ALTER TABLE "chat_reply" VALIDATE CONSTRAINT "a";',
    (
        'CREATE TABLE "chat_new" ("id" int);\nCREATE INDEX "a" ON "chat_new" ("id");\n'
        'ALTER TABLE "chat_new" ADD CONSTRAINT "b" UNIQUE ("id");'
    ),
]


@pytest.mark.parametrize("sql", BAD)
def test_what_locks_is_found(sql: str) -> None:
    assert len(locking(sql)) == 1


@pytest.mark.parametrize("sql", GOOD)
def test_what_does_not_lock_is_allowed(sql: str) -> None:
    assert locking(sql) == []


def test_no_migration_keeps_the_site_from_working(
    postgres_server: str, subtests: pytest.Subtests
) -> None:
    names = sorted(
        path.stem
        for path in (ROOT / "chat" / "migrations").glob("[0-9]*.py")
        if path.stem[:4] > BEFORE_THE_RULE and path.stem not in ALLOWED
    )
    release = Release.current(DATABASE_URL=empty_database(postgres_server))
    printed = release.output("manage.py", "shell", "-v0", "-c", SQL_OF % names)
    for name, sql in json.loads(printed).items():
        with subtests.test(name):
            assert locking(sql) == []
