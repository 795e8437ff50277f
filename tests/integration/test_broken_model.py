"""A real worker process whose model cannot be loaded says so, and ends for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatsite import wire
from chatsite.mailbox import Mailbox
from chatsite.model_choice import current_catalog, model_entry
from chatsite.startup import UNLOADABLE_STATUS
from tests.processes import ROOT
from worker.engine.interface import ModelUnavailable
from worker.heartbeat import lasting_name, new_worker_name
from worker.model_folder import FetchError
from worker.served_model import ProcessCalls, ServedModel
from worker.tasks import reason_of


def worker(model: Path, data: Path) -> subprocess.CompletedProcess[str]:
    """Run a worker to its end."""
    command = (
        *(sys.executable, "-m", "celery", "-A", "chatsite", "worker"),
        *("--pool", "threads", "--without-gossip", "--without-mingle"),
        *("--hostname", "worker-1@%h"),
    )
    environment = {**os.environ, "CHAT_MODEL": str(model), "DATA_DIR": str(data)}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def broken_folder(folder: Path) -> Path:
    """A folder whose weights were cut short."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    return folder


@pytest.mark.parametrize("is_there", [True, False])
def test_a_worker_without_its_files_says_which_and_is_not_restarted(
    box: Mailbox, tmp_path: Path, *, is_there: bool
) -> None:
    folder = tmp_path / "model"
    if is_there:
        broken_folder(folder)
    ended = worker(folder, tmp_path / "data")
    assert ended.returncode == UNLOADABLE_STATUS, ended.stderr
    last = ended.stderr.splitlines()[-1]
    what = "is incomplete or broken: model.safetensors" if is_there else "is no folder"
    assert last.startswith(f"This worker cannot serve: {folder}: {what}")
    entry = current_catalog().get(str(folder))
    [said] = box.workers(entry.name)
    assert (said.stage, said.host in said.worker) == (wire.Stage.BROKEN, True)
    assert str(folder) in said.step
    assert "Traceback" not in ended.stderr


def test_a_worker_that_serves_again_takes_back_that_it_could_not(
    box: Mailbox,
) -> None:
    name = new_worker_name("worker-1@host")
    calls = ProcessCalls(lambda: None, lambda: None, lambda: None)
    before = ServedModel(model_entry(), name, 0.0, calls)
    before.start()
    before.tell_broken("no file")
    assert [one.worker for one in box.workers("scripted")] == ["worker-1@host"]
    after = ServedModel(model_entry(), new_worker_name("worker-1@host"), 0.0, calls)
    after.start()
    [serving] = box.workers("scripted")
    assert serving.stage is wire.Stage.READY
    assert lasting_name(serving.worker) == "worker-1@host"
    after.end()
    assert box.workers("scripted") == ()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FetchError("/a: there is no such file."), "/a: there is no such file."),
        (ModelUnavailable("WORKER_PRECISION"), "WORKER_PRECISION"),
        (MemoryError(), "this machine has too little free memory for the model."),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"),
            "this machine has too little free memory for the model.",
        ),
        (
            ValueError("header\ntoo large"),
            "the model cannot be loaded (ValueError: header too large).",
        ),
    ],
)
def test_the_reason_is_one_line(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason
