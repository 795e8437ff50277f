"""The requirement files: every tier pins what it needs, once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted([*ROOT.glob("requirements*.txt"), ROOT / "worker" / "requirements.txt"])
PIN = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([0-9][A-Za-z0-9.]*)")


def lines(path: Path) -> list[str]:
    stripped = (line.strip() for line in path.read_text().splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def pins(path: Path) -> dict[str, str]:
    """Pinned versions by package, those of included files too."""
    found: dict[str, str] = {}
    for line in lines(path):
        if line.startswith("-r "):
            found |= pins((path.parent / line[3:].strip()).resolve())
        elif match := PIN.fullmatch(line):
            found[match[1].lower().replace("_", "-")] = match[2]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_line_is_a_pin_or_an_existing_file(path: Path) -> None:
    for line in lines(path):
        if line.startswith("-r "):
            assert (path.parent / line[3:].strip()).is_file(), line
        else:
            assert PIN.fullmatch(line), line


def test_no_package_is_pinned_twice() -> None:
    names = [
        match[1].lower().replace("_", "-")
        for path in FILES
        for line in lines(path)
        if (match := PIN.fullmatch(line))
    ]
    assert sorted(names) == sorted(set(names))


def test_both_tiers_share_the_common_pins() -> None:
    common = pins(ROOT / "requirements-common.txt").items()
    assert common <= pins(ROOT / "requirements-web.txt").items()
    assert common <= pins(ROOT / "worker" / "requirements.txt").items()


def test_the_plain_requirements_hold_both_tiers() -> None:
    both = pins(ROOT / "requirements.txt").items()
    assert pins(ROOT / "requirements-web.txt").items() <= both
    assert pins(ROOT / "worker" / "requirements.txt").items() <= both


def test_the_web_tier_asks_for_no_model_library() -> None:
    heavy = {"torch", "transformers", "gguf", "numpy", "safetensors", "tokenizers"}
    assert not heavy & pins(ROOT / "requirements-web.txt").keys()


def test_the_catalogue_names_the_pinned_package_of_the_stand_in() -> None:
    import tomllib

    models = tomllib.loads((ROOT / "catalog.toml").read_text())["models"]
    (pin,) = lines(ROOT / "requirements-smollm2.txt")
    assert models["smollm2"]["package"] == pin
