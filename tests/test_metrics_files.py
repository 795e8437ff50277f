"""Dashboard, alerts and scrape configuration name what the site really reports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from chatsite.mailbox import Mailbox
from tests.chat.services.metrics.test_collector import announcement
from tests.chatsite.mailbox_calls import enqueue
from tests.processes import ROOT

FOLDER = ROOT / "deploy" / "metrics"
#: Words of an expression that are neither metrics nor labels.
FUNCTIONS = {
    *("and", "on", "by", "max", "min", "sum", "count", "rate", "increase"),
    "histogram_quantile",
}
#: What Prometheus adds itself.
OF_PROMETHEUS = {"up": {"job", "instance"}}


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    of_panels = [one["expr"] for p in dashboard["panels"] for one in p["targets"]]
    alerts: Any = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    return of_panels + [r["expr"] for g in alerts["groups"] for r in g["rules"]]


@pytest.fixture
def reported(db: None, box: Mailbox) -> dict[str, set[str]]:
    """The names of all series of a site in use, with their labels."""
    box.announce(announcement())
    enqueue(box, "waits")
    browser = Client()
    browser.get("/")
    found = {name: set(labels) for name, labels in OF_PROMETHEUS.items()}
    text = browser.get("/metrics").content.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_of_an_expression_is_reported(
    expression: str, reported: dict[str, set[str]]
) -> None:
    bare = re.sub(r'"[^"]*"|\[[^]]*\]|\b\d[\w.]*', "", expression)
    words = set(re.findall(r"[a-z_]\w*", bare)) - FUNCTIONS
    metrics = {word for word in words if word in reported}
    assert metrics, expression
    labels = set.union(*(reported[metric] for metric in metrics))
    assert words - metrics - labels == set()


def test_every_metric_of_the_facts_is_on_the_dashboard_or_in_an_alert(
    reported: dict[str, set[str]],
) -> None:
    text = " ".join(expressions())
    ends = re.compile(r"_(sum|count|created)$")
    unused = {name for name in reported if not ends.search(name) and name not in text}
    assert unused == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_promtool_accepts_the_files(arguments: tuple[str, ...]) -> None:
    assert_accepted(*arguments, folder=FOLDER)


def test_promtool_accepts_what_the_site_reports(db: None, box: Mailbox) -> None:
    box.announce(announcement())
    browser = Client()
    browser.get("/")
    assert_accepted("check", "metrics", text=browser.get("/metrics").content)


def assert_accepted(*arguments: str, folder: Path = ROOT, text: bytes = b"") -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here: apt-get install prometheus")
    done = subprocess.run(
        [promtool, *arguments], cwd=folder, input=text, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
