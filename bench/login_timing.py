"""Measures whether the time of a refused log-in shows who has an account.

    python -m bench.login_timing [--rounds 300] [--json FILE]

Runs the site in this process, without its queue and with a database of its own. In
every round each kind of log-in is tried once, in random order, so that other load on
the machine affects all kinds alike. Each is compared with the unknown name of its
round.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.measurement import percentile

PASSWORD = secrets.token_urlsafe(16)
UNKNOWN = "unknown name"
#: For each kind: name and password as typed.
TRIED = {
    UNKNOWN: ("nobody", "wrong"),
    "unknown address": ("nobody@example.org", "wrong"),
    "known name": ("known", "wrong"),
    "known address": ("known@example.org", "wrong"),
    "no password": ("without", "wrong"),
    "inactive, right password": ("inactive", PASSWORD),
}


def prepare(folder: Path) -> None:
    """Set up Django with a new database, the accounts, and very large limits."""
    os.environ.update(
        DJANGO_SETTINGS_MODULE="chatsite.settings",
        DATA_DIR=str(folder),
        DATABASE_URL=f"sqlite:///{folder / 'logins.sqlite3'}",
        REDIS_URL=f"unix://{folder / 'nobody-listens.sock'}",
        LOGIN_FAILURES_MAX="1000000",
        NETWORK_LOGIN_FAILURES_PER_HOUR="1000000",
        ALLOWED_HOSTS="testserver",
        LOG_LEVEL="error",
    )
    import django

    django.setup()
    from django.core.management import call_command

    from chat.models import User

    call_command("migrate", verbosity=0)
    User.objects.create_user("known", PASSWORD, "known@example.org")
    User.objects.create_user("without", None)
    inactive = User.objects.create_user("inactive", PASSWORD)
    inactive.is_active = False
    inactive.save()


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each log-in, by kind and round."""
    from django.test import Client
    from django.urls import reverse

    browser, path = Client(), reverse("log_in")
    taken: dict[str, list[float]] = {kind: [] for kind in TRIED}
    chance = random.Random(0)
    for number in range(rounds + 5):
        for kind in chance.sample([*TRIED], len(TRIED)):
            name, password = TRIED[kind]
            began = time.perf_counter()
            answer = browser.post(path, {"name": name, "password": password})
            seconds = time.perf_counter() - began
            if answer.status_code != 422:
                raise RuntimeError(f"{kind}: {answer.status_code}")
            if number >= 5:  # the first ones warm up
                taken[kind].append(seconds)
    return taken


def report(taken: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Compare each kind with the unknown name of the same round; milliseconds."""
    unknown = taken[UNKNOWN]
    rows = []
    for kind, seconds in taken.items():
        differences = [a - b for a, b in zip(seconds, unknown, strict=True)]
        slower = sum(difference > 0 for difference in differences)
        rows.append(
            {
                "kind": kind,
                "median_ms": round(1000 * median(seconds), 2),
                "p95_ms": round(1000 * percentile(seconds, 0.95), 2),
                "difference_ms": round(1000 * median(differences), 2),
                "slower_share": round(slower / len(seconds), 2),
            }
        )
    return rows


def main(arguments: Sequence[str]) -> None:
    """Measure in a temporary folder and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.login_timing")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        prepare(Path(folder))
        rows = report(measure(options.rounds))
    print(f"{'tried':<28}{'median':>9}{'p95':>9}{'paired':>9}{'slower':>9}")
    for row in rows:
        print(
            f"{row['kind']:<28}{row['median_ms']:>9}{row['p95_ms']:>9}"
            f"{row['difference_ms']:>9}{row['slower_share']:>9}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
