"""Asks whether what is locked has known vulnerabilities: ``make audit``.

Ends with 0 only if every package was really looked up and nothing was found, with 1 if
something was found, and with 3 if that could not be told: "not run" is not "passed".
pip-audit itself, without ``--strict``, ends well when it could look up nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launch.env.lockfiles import LOCKS, Lock, pins

FOUND, NOT_RUN = 1, 3
#: Each package is one question, and each is given up after 15 seconds.
LONGEST_SECONDS = 900

Pin = tuple[str, str]


@dataclass(slots=True)
class Outcome:
    """What is known after asking: who was looked up, what was found, what failed."""

    looked_up: set[Pin] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    #: Why something could not be looked up; empty if nothing failed.
    failure: str = ""


def main(arguments: list[str]) -> int:
    options = parsed(arguments)
    wanted = locked(list(LOCKS.values()))
    outcome = Outcome()
    for some in rounds(wanted):
        ask(some, options, outcome)
        if outcome.failure:
            break
    for finding in outcome.findings:
        print(finding)
    if missing := wanted - outcome.looked_up:
        reason = outcome.failure or "the service left them out"
        print(f"not run: {len(missing)} of {len(wanted)} packages were not looked up")
        print(f"({named(missing)}). Reason: {reason}")
    if outcome.findings:
        print(f"{len(outcome.findings)} known vulnerabilities in what is locked.")
        return FOUND
    if missing:
        return NOT_RUN
    print(f"{len(wanted)} packages looked up, torch too: no known vulnerabilities.")
    return 0


def parsed(arguments: list[str]) -> list[str]:
    """Options for pip-audit; none of those with which it would look up less."""
    parser = argparse.ArgumentParser("make audit", allow_abbrev=False)
    parser.add_argument("-s", "--vulnerability-service", default="pypi")
    parser.add_argument("--osv-url", help="where a service that speaks as OSV does is")
    parser.add_argument("--ignore-vuln", action="append", metavar="ID", default=[])
    given = parser.parse_args(arguments)
    options = [f"--vulnerability-service={given.vulnerability_service}"]
    if given.osv_url:
        options.append(f"--osv-url={given.osv_url}")
    return options + [f"--ignore-vuln={name}" for name in given.ignore_vuln]


def locked(locks: list[Lock]) -> set[Pin]:
    """All packages of all locks, and torch, which stands beside them."""
    texts = [lock.path().read_text(encoding="utf-8") for lock in locks]
    return {
        pin
        for text in [*texts, *(lock.torch() for lock in locks)]
        for pin in pins(text)
    }


def rounds(wanted: set[Pin]) -> list[list[Pin]]:
    """Each package in one version only: pip-audit takes no second one at a time."""
    parted: list[dict[str, str]] = []
    for name, version in sorted(wanted):
        free = next((one for one in parted if name not in one), None)
        if free is None:
            parted.append({name: version})
        else:
            free[name] = version
    return [list(one.items()) for one in parted]


def ask(some: list[Pin], options: list[str], outcome: Outcome) -> None:
    """Look some packages up and add to the outcome what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{n}=={v}\n" for n, v in some))
        command = [
            *(sys.executable, "-m", "pip_audit", "--strict", "--format=json"),
            *("--progress-spinner=off", "--no-deps", "--disable-pip"),
            *("--requirement", str(requirements), *options),
        ]
        try:
            asked = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            outcome.failure = "the service took too long"
            return
    try:
        answers = json.loads(asked.stdout)["dependencies"]
        for answer in answers:
            take(answer, outcome)
    except (ValueError, LookupError, TypeError):
        answers = []
    if not answers or asked.returncode not in (0, FOUND):
        outcome.failure = last_words(asked.stderr)


def take(answer: dict[str, Any], outcome: Outcome) -> None:
    """Add what pip-audit says of one package; one that it skipped was not looked up."""
    if "skip_reason" in answer:
        outcome.failure = f"{answer['name']}: {answer['skip_reason']}"
        return
    pin = (answer["name"], answer["version"])
    outcome.looked_up.add(pin)
    for one in answer["vulns"]:
        fixed = ", ".join(one["fix_versions"]) or "no version yet"
        also = "".join(f" {alias}" for alias in one.get("aliases", []))
        outcome.findings.append(
            f"{pin[0]} {pin[1]}: {one['id']}{also}, fixed in {fixed}"
        )


def named(missing: set[Pin]) -> str:
    """A few of them by name."""
    names = [f"{name} {version}" for name, version in sorted(missing)]
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def last_words(errors: str) -> str:
    """What pip-audit said last of its own accord, or of what it stumbled over."""
    lines = [line for line in errors.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("ERROR") and "Tip:" not in line]
    last = (told or lines or ["pip-audit said nothing"])[-1]
    return last.removeprefix("ERROR:pip_audit._cli:")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
