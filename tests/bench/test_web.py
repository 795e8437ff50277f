"""The requests of `make web` are what they are called; their times are for ``bench``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from bench.site import Checkout
from bench.web.__main__ import Plan, count, measure_round
from bench.web.inside_process import as_json
from bench.web.measured_site import Cost, PeopledSite, bare_site, peopled_site
from bench.web.people import BEGUN, KINDS, MORE, Amounts
from bench.web.report import figures, pairs_of, ratio_table, ratios, tables

pytestmark = pytest.mark.timeout(300)
#: The list has a next part from 51 conversations on.
PLAN = Plan(amounts=Amounts(2, 51, 6), short_batch=2)
EARLIER, LATER = BEGUN.split()[2], MORE.split()[-1]


@pytest.fixture(scope="module")
def site() -> Iterator[PeopledSite]:
    with peopled_site(Checkout(), "", PLAN.amounts) as started:
        yield started


def test_every_kind_is_measured_and_counted(site: PeopledSite) -> None:
    with bare_site("bench.web.bare:django()") as bare:
        costs = measure_round(PLAN, [("site", site)], {"a view": bare})
    counts = count(PLAN, {"site": site})
    assert set(costs) == {*counts, ("bare", "a view")}
    assert all(cost.cpu > 0 for cost in costs.values())
    for name in ("waiting", "growing"):
        found = counts["site", f"poll, {name}"]
        assert (found["queries"], found["redis_trips"]) == (0, 1)
    assert counts["site", "conversation of 50 messages"]["nodes"] > 50
    assert counts["site", "further message, API"]["queries"] > 1
    assert site.measured.megabytes() > 20


@pytest.mark.parametrize(
    ("kind", "shown", "not_shown"),
    [
        ("home, 50 conversations", 'id="more"', "ended"),
        ("conversation of 50 messages", LATER, "earlier messages"),
        ("next part of the list", 'class="item"', 'id="more"'),
        ("search", "<mark>", "<html"),
        ("further message, page", "How do lighthouses", "<html"),
        ("poll, idle", 'id="poller"', LATER),
        ("poll, waiting", "Waiting for", LATER),
        ("poll, growing", LATER, EARLIER),
        ("poll, ended", EARLIER, "tok/s"),
        ("ended reply, API", '"state":"done"', "<html"),
        ("stop", "Stopping", "<html"),
        ("static file", "@layer", "<html"),
    ],
)
def test_an_answer_is_of_its_kind(
    kind: str, shown: str, not_shown: str, site: PeopledSite
) -> None:
    (found,) = [one for one in KINDS if one.name == kind]
    request = found.prepare(site.people, 2)[0]
    answer = site.measured.connection.ask(request).text
    assert shown in answer
    assert not_shown not in answer


def test_a_profile_names_functions_of_the_site(site: PeopledSite) -> None:
    (kind,) = [one for one in KINDS if one.name == "poll, idle"]
    requests = [as_json(one) for one in kind.prepare(site.people, 10)]
    found = site.inside.call("profile", requests)
    assert "chat/views/poll.py" in found
    assert "with callees" in found


def test_ratios_are_medians_within_rounds() -> None:
    sites = ["SQLite", "SQLite, against", "PostgreSQL"]
    rounds = [
        {
            ("SQLite", "poll"): Cost(ours, 1),
            ("SQLite, against", "poll"): Cost(theirs, 1),
        }
        for ours, theirs in ((1.0, 2.0), (4.0, 5.0), (9.0, 1.0))
    ]
    assert pairs_of(sites) == [("SQLite", "SQLite, against")]
    found = ratios(rounds, *sites[:2])
    assert found == {"poll": 0.8}
    assert "| poll | 0.80 |" in ratio_table({"SQLite": found})
    assert "| poll | 4000.00 | 1000.00 |" in tables(figures(rounds, {}))


def test_another_checkout_is_measured_by_its_own_environment() -> None:
    other = Plan(against=Checkout().root).checkouts()[", against"]
    assert other.python == str(other.root / ".venv" / "bin" / "python")
    assert os.path.samefile(Plan().checkouts()[""].python, sys.executable)
