"""The files of deployments, as far as their own validators see."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deployment.services import (
    KINDS,
    MANIFESTS,
    UNITS,
    containers,
    manifests,
    of_kubernetes,
    of_systemd,
)
from tests.processes import ROOT
from tests.test_compose import COMPOSE

BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
#: Seconds that a worker needs to hand back, beyond WORKER_GRACE_SECONDS.
MARGIN_SECONDS = 10


def output_of(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_compose_file_follows_its_specification() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    output_of(BIN / "check-jsonschema", *schema, ROOT / "docker-compose.yml")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_follows_its_schema_and_may_only_read(path: Path) -> None:
    schema = ("--builtin-schema", "vendor.github-workflows")
    output_of(BIN / "check-jsonschema", *schema, path)
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_the_manifests_follow_their_schemas() -> None:
    paths = sorted(MANIFESTS.glob("*.yaml"))
    said = output_of(BIN / "kubernetes-validate", "--strict", *paths).splitlines()
    assert len(said) == len(manifests())
    # It knows no kinds that others have added.
    other = [line for line in said if not line.startswith("INFO")]
    assert len(other) == 1
    assert "kind ScaledObject" in other[0]


@pytest.mark.parametrize("name", ["web", "worker"])
def test_an_image_is_made_as_it_should(name: str) -> None:
    path = ROOT / "docker" / f"{name}.Dockerfile"
    assert output_of(BIN / "hadolint", path) == ""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    """It exits with 0 also where it warns."""
    for path in UNITS.glob("*.service"):
        text = path.read_text().replace(
            "/opt/chatsite/.venv/bin/python", sys.executable
        )
        name = path.name.replace("@", "@1")
        (tmp_path / name).write_text(text)
    units = sorted(tmp_path.iterdir())
    assert len(units) == 5
    assert output_of("systemd-analyze", "verify", *units) == ""


@pytest.mark.parametrize("path", sorted(UNITS.glob("*.service")), ids=lambda p: p.name)
def test_a_unit_may_do_little(path: Path) -> None:
    lines = path.read_text().splitlines()
    wanted = {"NoNewPrivileges=true", "ProtectSystem=strict", "CapabilityBoundingSet="}
    assert wanted <= {*lines}
    assert not any(line.startswith(("User=root", "ReadWritePaths")) for line in lines)


@pytest.mark.parametrize("name", ["migrate", "model", "web", "keeper", "worker"])
def test_a_container_may_do_little(name: str) -> None:
    wanted = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert containers()[name]["securityContext"] == wanted
    assert "memory" in containers()[name]["resources"]["limits"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_gets_neither_the_key_nor_the_database(kind: str) -> None:
    for name in ("worker", "model"):
        given = KINDS[kind](name).environment
        assert not {"SECRET_KEY", "DATABASE_URL"} & given.keys()


def test_a_worker_has_time_to_hand_back() -> None:
    """Whatever ends it waits ten seconds longer than it takes at most."""
    unit = (UNITS / "chatsite-worker@.service").read_text()
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    pod = next(
        one["spec"]["template"]["spec"]
        for one in manifests()
        if one["metadata"]["name"] == "chatsite-worker" and one["kind"] == "Deployment"
    )
    compose = COMPOSE["services"]["worker"]
    graces = {
        int(stop): of_systemd("worker").environment,
        int(pod["terminationGracePeriodSeconds"]): of_kubernetes("worker").environment,
        int(compose["stop_grace_period"].removesuffix("s")): compose["environment"],
    }
    assert len(graces) >= 2
    for seconds, given in graces.items():
        assert seconds >= int(given["WORKER_GRACE_SECONDS"]) + MARGIN_SECONDS


def test_workers_are_scaled_by_what_they_write_and_what_waits() -> None:
    (scaled,) = [one for one in manifests() if one["kind"] == "ScaledObject"]
    (trigger,) = scaled["spec"]["triggers"]
    slots = of_kubernetes("worker").environment["WORKER_SLOTS"]
    assert trigger["metadata"]["threshold"] == slots
    for metric in ("chatsite_replies_waiting", "chatsite_replies_running"):
        assert metric in trigger["metadata"]["query"]


def test_no_file_names_a_registry() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += [container["image"] for container in containers().values()]
    # The first part of a name with a host has a dot or a port.
    assert not [image for image in images if re.match(r"[^/]*[.:][^/]*/", image)]


def test_a_worker_on_a_card_differs_from_others_in_its_image_alone() -> None:
    own = {"profiles", "image", "build", "deploy"}
    on_card, other = COMPOSE["services"]["worker-gpu"], COMPOSE["services"]["worker"]
    assert on_card["build"]["args"] == {"TORCH": "cuda"}
    for name in (on_card.keys() | other.keys()) - own:
        assert on_card[name] == other[name], name


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_the_log_of_a_container_is_bounded(name: str) -> None:
    logging = COMPOSE["services"][name]["logging"]
    assert logging["options"].keys() == {"max-size", "max-file"}


def test_what_a_container_mounts_of_the_checkout_exists() -> None:
    mounts = [
        mount
        for service in COMPOSE["services"].values()
        for mount in service.get("volumes", ())
    ]
    sources = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(sources) > 4
    assert all((ROOT / source).is_file() for source in sources)
