"""Looks up known vulnerabilities of all locked packages: ``make audit``.

The exit status is 0 only if every package was looked up and none has a vulnerability,
1 if one was found, and 3 if a package could not be looked up: "not run" is not
"passed". (pip-audit without ``--strict`` succeeds even when it looked up nothing.)
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
#: pip-audit sends a request for each package and waits 15 seconds for each answer.
LONGEST_SECONDS = 900

Pin = tuple[str, str]


@dataclass(slots=True)
class Outcome:
    """The packages that were looked up, and the vulnerabilities found in them."""

    looked_up: set[Pin] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    #: Why a package could not be looked up; empty if all could.
    failure: str = ""


def main(arguments: list[str]) -> int:
    """Look up all packages and print what was found. Return the exit status."""
    options = parse_options(arguments)
    wanted = locked_packages(list(LOCKS.values()))
    outcome = Outcome()
    for batch in batches(wanted):
        look_up(batch, options, outcome)
        if outcome.failure:
            break
    for finding in outcome.findings:
        print(finding)
    if missing := wanted - outcome.looked_up:
        reason = outcome.failure or "the service left them out"
        print(f"not run: {len(missing)} of {len(wanted)} packages were not looked up")
        print(f"({first_names(missing)}). Reason: {reason}")
    if outcome.findings:
        print(f"{len(outcome.findings)} known vulnerabilities in what is locked.")
        return FOUND
    if missing:
        return NOT_RUN
    print(f"{len(wanted)} packages looked up, torch too: no known vulnerabilities.")
    return 0


def parse_options(arguments: list[str]) -> list[str]:
    """Return options for pip-audit: none with which it would look up less."""
    parser = argparse.ArgumentParser("make audit", allow_abbrev=False)
    parser.add_argument("-s", "--vulnerability-service", default="pypi")
    parser.add_argument("--osv-url", help="URL of a service with the API of OSV")
    parser.add_argument("--ignore-vuln", action="append", metavar="ID", default=[])
    given = parser.parse_args(arguments)
    options = [f"--vulnerability-service={given.vulnerability_service}"]
    if given.osv_url:
        options.append(f"--osv-url={given.osv_url}")
    return options + [f"--ignore-vuln={name}" for name in given.ignore_vuln]


def locked_packages(locks: list[Lock]) -> set[Pin]:
    """Return all packages of these locks, and torch, which no lock holds."""
    texts = [lock.path().read_text(encoding="utf-8") for lock in locks]
    return {
        pin
        for text in [*texts, *(lock.torch() for lock in locks)]
        for pin in pins(text)
    }


def batches(wanted: set[Pin]) -> list[list[Pin]]:
    """Split the packages, since pip-audit takes one version of each at a time."""
    parted: list[dict[str, str]] = []
    for name, version in sorted(wanted):
        free = next((one for one in parted if name not in one), None)
        if free is None:
            parted.append({name: version})
        else:
            free[name] = version
    return [list(one.items()) for one in parted]


def look_up(batch: list[Pin], options: list[str], outcome: Outcome) -> None:
    """Look up some packages and add the result to ``outcome``."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{n}=={v}\n" for n, v in batch))
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
            add_answer(answer, outcome)
    except (ValueError, LookupError, TypeError):
        answers = []
    if not answers or asked.returncode not in (0, FOUND):
        outcome.failure = last_error(asked.stderr)


def add_answer(answer: dict[str, Any], outcome: Outcome) -> None:
    """Add pip-audit's answer for one package. A skipped one was not looked up."""
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


def first_names(missing: set[Pin]) -> str:
    """Return the names of the first three."""
    names = [f"{name} {version}" for name, version in sorted(missing)]
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def last_error(errors: str) -> str:
    """Return the last error that pip-audit logged, or else its last line."""
    lines = [line for line in errors.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("ERROR") and "Tip:" not in line]
    last = (told or lines or ["pip-audit said nothing"])[-1]
    return last.removeprefix("ERROR:pip_audit._cli:")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
