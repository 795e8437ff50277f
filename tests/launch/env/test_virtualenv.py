"""Making the virtual environment, with packages made here and no network."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launch.env.lockfiles import LOCKS
from tests.launch.env.wheels import make_wheel
from tests.launch.process_tree import ROOT, Start, command_of, eventually, run

#: The sets that these tests install, and files that their locks are made of.
LOCKED = ("run", "audit", "uv")
REQUIREMENTS = (
    "requirements.txt",
    "requirements-run.txt",
    "requirements-audit.txt",
    "requirements-uv.txt",
)


class Clone:
    """A checkout with the real bootstrap and requirements of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir()
        (root / "worker").mkdir()
        for name in ("launch", "chatsite"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        for name in REQUIREMENTS:
            (root / name).write_text("")
        (root / "requirements.txt").write_text(
            "-r worker/requirements.txt\nfirst==1.0\n"
        )
        (root / "worker" / "requirements.txt").write_text("torch==2.0\n")
        make_wheel(
            self.wheels, "torch", "2.0+cpu", "__version__ = '2.0+cpu'\ncuda = None\n"
        )
        make_wheel(self.wheels, "first", "1.0", "number = 1\n")
        make_wheel(self.wheels, "second", "1.0", "number = 2\n")
        self.lock()

    def lock(self) -> None:
        """As `make lock` does, but for packages that only lie here."""
        (self.root / "locks").mkdir(exist_ok=True)
        for lock in (LOCKS[name] for name in LOCKED):
            text = lock.header(self.root)
            for line in lock.requirements(self.root):
                if not line.startswith("torch"):
                    text += f"{line} --hash=sha256:{self.digest(line)}\n"
            lock.path(self.root).write_text(text)

    def digest(self, pin: str) -> str:
        wheels = self.wheels.glob(f"{pin.replace('==', '-')}-*.whl")
        return next(
            (hashlib.sha256(p.read_bytes()).hexdigest() for p in wheels), "0" * 64
        )

    def start(
        self, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return run(
            [sys.executable, "-m", "launch.env.__main__", *(arguments or ("run",))],
            cwd=self.root,
            PIP_NO_INDEX="1",
            PIP_FIND_LINKS=self.wheels.as_uri(),
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            **variables,
        )


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_start_installs_and_the_second_has_nothing_to_do(
    clone: Clone,
) -> None:
    first = clone.start("run", "-c", "import first; print('number', first.number)")
    assert first.returncode == 0, first.stderr
    assert "to download (torch==2.0, CPU build)" in first.stdout
    assert first.stdout.endswith("number 1\n")
    second = clone.start("run", "-c", "import sys; print(sys.prefix)")
    assert second.stdout == f"{clone.root / '.venv'}\n"


def test_a_changed_requirement_is_installed_at_the_next_start(clone: Clone) -> None:
    clone.start()
    with (clone.root / "requirements-run.txt").open("a") as file:
        file.write("second==1.0\n")
    clone.lock()
    changed = clone.start("run", "-c", "import first, second, torch.version")
    assert changed.returncode == 0, changed.stderr
    assert "Installing what changed" in changed.stdout


def test_an_interrupted_installation_is_taken_up_again(clone: Clone) -> None:
    clone.start()
    (clone.root / ".venv" / "installed.json").unlink()
    (site,) = clone.root.glob(".venv/lib/python*/site-packages")
    (site / "first-1.0.dist-info" / "RECORD").unlink()
    (site / "first.py").unlink()
    again = clone.start("run", "-c", "import first")
    assert again.returncode == 0, again.stderr


def test_a_package_that_a_power_cut_emptied_is_installed_again(clone: Clone) -> None:
    clone.start()
    (clone.root / ".venv" / "installed.json").write_bytes(b"")
    (site,) = clone.root.glob(".venv/lib/python*/site-packages")
    (site / "first.py").write_bytes(b"")
    again = clone.start("run", "-c", "import first; first.number")
    assert again.returncode == 0, again.stderr


def test_a_half_made_environment_is_made_anew(clone: Clone) -> None:
    (clone.root / ".venv" / "bin").mkdir(parents=True)
    (clone.root / ".venv" / "bin" / "python").symlink_to("/nowhere")
    assert clone.start("run", "-c", "import first").returncode == 0


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_module_of_python_is_one_clear_line(
    clone: Clone, tmp_path: Path, module: str
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "def look(name, path=None, target=None):\n"
        f"    return None if name == {module!r} else find(name, path, target)\n"
        "PathFinder.find_spec = look\n"
    )
    refused = clone.start(PYTHONPATH=str(hidden))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert "apt install python3-venv" in refused.stderr
    assert module in refused.stderr


def test_what_cannot_be_installed_ends_the_start(clone: Clone) -> None:
    (clone.root / "requirements-run.txt").write_text("nowhere==1.0\n")
    clone.lock()
    refused = clone.start("run", "-c", "print('never')")
    assert refused.returncode == 1
    assert "never" not in refused.stdout
    assert "pip could not install" in refused.stderr.splitlines()[-1]


def test_an_unknown_build_of_torch_is_refused_in_one_line(clone: Clone) -> None:
    refused = clone.start(TORCH="gpu")
    assert refused.returncode == 2
    assert refused.stderr == "TORCH must be auto, cpu or cuda, not 'gpu'.\n"


def test_cuda_by_name_is_refused_where_there_is_none(clone: Clone) -> None:
    refused = clone.start(TORCH="cuda")
    assert refused.returncode == 1
    assert "no build of torch with CUDA" in refused.stderr


def test_another_build_of_torch_replaces_the_installed_one(clone: Clone) -> None:
    clone.start()
    (clone.wheels / "torch-2.0+cpu-py3-none-any.whl").unlink()
    make_wheel(
        clone.wheels, "torch", "2.0", "__version__ = '2.0+cu130'\ncuda = '13.0'\n"
    )
    changed = clone.start(
        "run", "-c", "from torch.version import cuda; print(cuda)", TORCH="cuda"
    )
    assert changed.stdout.endswith("13.0\n"), changed.stderr
    assert clone.start("run", "-c", "", TORCH="auto").stdout == ""


def test_a_package_other_than_the_locked_one_is_refused(clone: Clone) -> None:
    make_wheel(clone.wheels, "first", "1.0", "number = 'from somebody else'\n")
    refused = clone.start("run", "-c", "print('never')")
    assert refused.returncode == 1
    assert "never" not in refused.stdout
    assert "first" in refused.stderr
    last = refused.stderr.splitlines()[-1]
    assert "not the one that is locked: its hash differs" in last
    assert "make lock" in last
    assert not list(clone.root.glob(".venv/lib/python*/site-packages/first.py"))
    assert clone.start("run", "-c", "").returncode == 1, "it is refused again"


def test_what_a_locked_package_asks_for_must_be_locked_too(clone: Clone) -> None:
    make_wheel(clone.wheels, "first", "1.0", "", needs="second")
    clone.lock()
    refused = clone.start()
    assert refused.returncode == 1
    assert "second" in refused.stderr
    assert not list(clone.root.glob(".venv/lib/python*/site-packages/second.py"))


def test_requirements_changed_without_a_new_lock_are_refused(clone: Clone) -> None:
    with (clone.root / "requirements-run.txt").open("a") as file:
        file.write("second==1.0\n")
    refused = clone.start("run", "-c", "print('never')")
    assert refused.returncode == 1
    assert "requirements-run.txt" in refused.stderr
    assert "make lock" in refused.stderr
    assert not (clone.root / ".venv").exists()


def test_a_comment_in_the_requirements_asks_for_no_new_lock(clone: Clone) -> None:
    with (clone.root / "requirements-run.txt").open("a") as file:
        file.write("\n# Why.\n")
    assert clone.start("run", "-c", "import first").returncode == 0


def test_libraries_of_a_cuda_build_come_in_beside_the_lock(clone: Clone) -> None:
    (clone.wheels / "torch-2.0+cpu-py3-none-any.whl").unlink()
    cuda = "__version__ = '2.0'\ncuda = '13.0'\n"
    make_wheel(clone.wheels, "torch", "2.0", cuda, needs="nvidia_blas==3.0")
    make_wheel(clone.wheels, "nvidia_blas", "3.0", "")
    done = clone.start("run", "-c", "import first, nvidia_blas", TORCH="cuda")
    assert done.returncode == 0, done.stderr


def test_a_build_of_torch_brings_in_nothing_else(clone: Clone) -> None:
    build = "__version__ = '2.0+cpu'\ncuda = None\n"
    make_wheel(clone.wheels, "torch", "2.0+cpu", build, needs="second")
    refused = clone.start()
    assert refused.returncode == 1
    assert "asks for second 1.0, which is in no lock" in refused.stderr
    assert not list(clone.root.glob(".venv/lib/python*/site-packages/second.py"))


def test_a_set_without_torch_installs_none(clone: Clone) -> None:
    done = clone.start("audit", "-c", "print('here')")
    assert done.returncode == 0, done.stderr
    assert not list(clone.root.glob(".venv/lib/python*/site-packages/torch"))
    assert clone.start("run", "-c", "import first, torch.version").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_end_while_the_environment_is_made_leaves_no_process(
    clone: Clone, tmp_path: Path, how: signal.Signals
) -> None:
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip(f"what runs the tests has them ignore {how.name}")
    begun = Start(
        [sys.executable, "-m", "launch.env.__main__", "run"],
        tmp_path / "output",
        cwd=clone.root,
    )
    try:
        eventually(
            lambda: any("ensurepip" in command_of(pid) for pid in begun.pids()),
            30,
            "ensurepip",
        )
        begun.process.send_signal(how)
        begun.process.wait(10)
        assert begun.process.returncode == (130 if how is signal.SIGINT else 128 + how)
        assert not begun.pids()
    finally:
        begun.end()


def test_a_checkout_with_an_awkward_name_gets_its_environment(tmp_path: Path) -> None:
    root = tmp_path / "Work #2 a%b c++ it's [ü] $HOME ;"
    root.mkdir()
    done = Clone(root).start("run", "-c", "import sys, first; print(sys.prefix)")
    assert done.stdout.endswith(f"{root / '.venv'}\n"), done.stderr
