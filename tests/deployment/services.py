"""The services of each kind of deployment, as their files describe them."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import yaml

from tests.processes import ROOT
from tests.test_compose import SECRETS, SERVICES, environment_of

UNITS = ROOT / "deploy" / "systemd"
MANIFESTS = ROOT / "deploy" / "kubernetes"
NAMES = ("migrate", "model", "web", "keeper", "worker")


@dataclass(frozen=True)
class Service:
    """What starts: the command, and all variables that it gets."""

    command: list[str]
    environment: dict[str, str]


def of_image(name: str) -> Service:
    """What an image runs by itself, and the variables that it sets."""
    text = (ROOT / "docker" / f"{name}.Dockerfile").read_text()
    command = json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[-1])
    lines = re.findall(r"^ENV (.+)$", text, re.MULTILINE)
    pairs = [word.partition("=") for line in lines for word in shlex.split(line)]
    return Service(command, {key: value for key, _, value in pairs if key != "PATH"})


def of_compose(name: str) -> Service:
    image = of_image(SERVICES[name]["image"].removeprefix("chatsite-"))
    given = {secret: token_hex(32) for secret in SECRETS}
    command = SERVICES[name].get("command", image.command)
    return Service(command, {**image.environment, **environment_of(name, **given)})


def of_systemd(name: str) -> Service:
    unit = "worker@" if name == "worker" else name
    lines = (UNITS / f"chatsite-{unit}.service").read_text().splitlines()
    said = [line.partition("=") for line in lines if not line.startswith(("#", "["))]
    environment: dict[str, str] = {}
    for key, _, value in said:
        if key == "Environment":
            environment |= dict(pair.split("=", 1) for pair in shlex.split(value))
    for key, _, value in said:
        if key == "EnvironmentFile":  # wins over Environment
            environment |= variables_in(UNITS / Path(value).name)
    (command,) = [value for key, _, value in said if key == "ExecStart"]
    command = command.replace("%i", "1").replace("%H", "host")
    return Service(shlex.split(command), environment)


def variables_in(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and line[0] != "#")


def of_kubernetes(name: str) -> Service:
    container = containers()[name]
    image = of_image(container["image"].removeprefix("chatsite-"))
    environment = dict(image.environment)
    for source in container["envFrom"]:
        ((kind, reference),) = source.items()
        kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
        found = next(
            one
            for one in manifests()
            if one["kind"] == kinds[kind]
            and one["metadata"]["name"] == reference["name"]
        )
        environment |= found.get("data") or found["stringData"]
    environment |= {one["name"]: one["value"] for one in container.get("env", ())}
    return Service(container.get("command", image.command), environment)


def manifests() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(MANIFESTS.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


def containers() -> dict[str, dict[str, Any]]:
    """All containers by name, also those that run before others."""
    specs = [
        one["spec"]["template"]["spec"]
        for one in manifests()
        if "template" in one["spec" if "spec" in one else "metadata"]
    ]
    return {
        container["name"]: container
        for spec in specs
        for container in (*spec.get("initContainers", ()), *spec["containers"])
    }


KINDS = {"compose": of_compose, "systemd": of_systemd, "kubernetes": of_kubernetes}
