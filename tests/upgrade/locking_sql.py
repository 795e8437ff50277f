"""Finds statements of PostgreSQL that keep a site from working while they run.

Rules of a migration that runs beside the release before it: docs and reasons are in
CONTRIBUTING.md, *A column*.
"""

from __future__ import annotations

import re

#: What is wrong with a statement on a table that has rows, by what it looks like.
FORBIDDEN = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "locks out writers: AddIndexConcurrently",
    r"DROP INDEX (?!CONCURRENTLY)": "locks out readers: RemoveIndexConcurrently",
    r"ALTER COLUMN \S+ TYPE ": "writes every row again: add a column, fill it in parts",
    r"ALTER COLUMN \S+ SET NOT NULL": "reads all rows: a NOT VALID check first",
    r"ALTER COLUMN \S+ DROP DEFAULT": "the release before cannot insert: db_default",
    r"ADD COLUMN .*\b(serial|gen_random_uuid|random|clock_timestamp)\b": "writes every row",
    r"ADD COLUMN .* GENERATED ": "writes every row again",
    r"ADD CONSTRAINT (?!.*(NOT VALID|USING INDEX))": "reads all rows: NOT VALID, then VALIDATE",
    r"RENAME (COLUMN|TO)\b": "the release before asks for the earlier name",
    r"DROP COLUMN": "the release before reads it: in the release after",
    r"DROP TABLE": "the release before reads it: in the release after",
    r"^(UPDATE|DELETE)\b": "may take minutes, in which it holds its locks",
    r"^(VACUUM|CLUSTER|REINDEX|LOCK)\b": "locks the table",
}
MADE = re.compile(r'CREATE TABLE "(\w+)"')
TABLE = re.compile(
    r'(?:ALTER TABLE|DROP TABLE|INDEX .*? ON|UPDATE|DELETE FROM) "(\w+)"', re.DOTALL
)
#: A column without rows, which costs nothing to refer from.
NEW_REFERENCE = re.compile(r"ADD COLUMN \S+ \S+ NULL CONSTRAINT \S+ REFERENCES")


def locking(sql: str) -> list[str]:
    """The statements that lock, each with its reason. New tables may have anything."""
    made = set(MADE.findall(sql))
    found = []
    for statement in _statements(sql):
        table = TABLE.search(statement)
        if (table and table[1] in made) or NEW_REFERENCE.search(statement):
            continue
        found += [
            f"{statement}\n  {why}"
            for look, why in FORBIDDEN.items()
            if re.search(look, statement, re.DOTALL)
        ]
    return found


def _statements(sql: str) -> list[str]:
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return [one.strip() for one in "\n".join(lines).split(";") if one.strip()]
