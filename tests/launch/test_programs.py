"""Which worker processes a start begins, and what each of them serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from launch.config import LaunchConfig, _models_of_processes
from launch.errors import LaunchError
from launch.programs import programs
from tests.remote_catalog import remote_entry

CATALOG = """
default = "one"

[models.one]
label = "One"
engine = "scripted"
context_tokens = 128

[models.two]
label = "Two"
engine = "scripted"
context_tokens = 128
"""
REMOTE = [remote_entry(name, "http://127.0.0.1:9/v1", "m") for name in ("near", "far")]


@pytest.fixture
def served(tmp_path: Path, settings: Settings) -> Settings:
    settings.CHAT_CATALOG = tmp_path / "catalog.toml"
    settings.CHAT_CATALOG.write_text("\n".join([CATALOG, *REMOTE]))
    settings.CHAT_MODEL = ""
    return settings


@pytest.mark.parametrize(
    ("names", "processes", "computing"),
    [
        ((), ((),), 1),
        (("one",), (("one",),), 1),
        (("far",), (("far",),), 0),
        (
            ("near", "two", "one", "far"),
            (("two",), ("one",), ("near", "far")),
            2,
        ),
    ],
)
def test_models_on_other_servers_share_a_process(
    names: tuple[str, ...],
    processes: tuple[tuple[str, ...], ...],
    computing: int,
    served: Settings,
) -> None:
    served.CHAT_MODELS = names
    assert _models_of_processes() == (processes, computing)


def test_an_unknown_model_among_several_is_named(served: Settings) -> None:
    served.CHAT_MODELS = ("one", "three")
    with pytest.raises(LaunchError, match="no model 'three'"):
        _models_of_processes()


def test_each_process_is_told_its_models_and_how_many_share_the_memory(
    tmp_path: Path,
) -> None:
    config = LaunchConfig(
        role="worker",
        data_dir=tmp_path,
        bind="127.0.0.1",
        port=8000,
        redis_url="redis://127.0.0.1:9/0",
        has_own_valkey=False,
        workers=2,
        worker_slots=8,
        worker_grace_seconds=5,
        models=(("two",), ("one",), ("near", "far")),
        computing_workers=4,
    )
    started = programs(config)
    assert [one.name for one in started] == [f"worker-{n}" for n in range(1, 7)]
    told = [
        [part for part in one.command if part.startswith("CHAT_MODELS=")]
        for one in started
    ]
    expected = ("two", "two", "one", "one", "near,far", "near,far")
    assert told == [[f"CHAT_MODELS={names}"] for names in expected]
    assert all("WORKERS=4" in one.command for one in started)
