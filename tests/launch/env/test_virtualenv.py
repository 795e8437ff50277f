"""Making the virtual environment, with packages made here and no network."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from launch.env.installer import pip_settings
from tests.launch.env.checkout import Checkout
from tests.launch.env.wheels import make_wheel
from tests.launch.process_tree import Start, command_of, eventually


def test_the_first_start_installs_and_the_second_has_nothing_to_do(
    tmp_path: Path,
) -> None:
    """In a checkout with an awkward name, where a start before was ended half-way."""
    root = tmp_path / "Work #2 a%b c++ it's [ü] $HOME ;"
    root.mkdir()
    fresh = Checkout(root)
    ended = end_while_it_is_made(fresh, tmp_path / "output", signal.SIGTERM)
    assert ended == 128 + signal.SIGTERM
    # A part of pip may have come in by then.
    (packages,) = root.glob(".venv/lib/python*/site-packages")
    (packages / "pip").mkdir(exist_ok=True)
    (packages / "pip" / "__init__.py").touch()
    first = fresh.start("run", "-c", "import first; print('number', first.number)")
    assert first.returncode == 0, first.stderr
    assert "to download (torch==2.0, CPU build)" in first.stdout
    assert "Making .venv with Python 3" in first.stdout
    assert "GB of disk space" in first.stdout
    assert "Installing the packages of locks/run.txt (1)." in first.stdout
    assert "pip" not in first.stdout, "uv has done it"
    assert first.stdout.endswith("number 1\n")
    second = fresh.start("run", "-c", "import sys; print(sys.prefix)")
    assert second.stdout == f"{fresh.root / '.venv'}\n"


def test_a_machine_without_uv_installs_by_pip(without_uv: Checkout) -> None:
    done = without_uv.start("run", "-c", "import first, torch.version")
    assert done.returncode == 0, done.stderr
    assert "No uv here; pip installs" in done.stdout


def test_uv_is_told_what_pip_is_configured_with() -> None:
    listed = (
        "global.index-url='https://one.example/simple'\n"
        "global.find-links='/a /b'\ninstall.find-links='/c\\n/d'\n"
        ":env:.index-url='https://two.example/simple'\n"
    )
    assert pip_settings(listed) == {
        "index-url": "https://two.example/simple",
        "find-links": "/c\n/d",
    }


def test_a_changed_requirement_is_installed_at_the_next_start(
    checkout: Checkout,
) -> None:
    assert checkout.start().returncode == 0
    requirements = checkout.root / "requirements-run.txt"
    requirements.write_text("# A comment asks for no new lock.\n")
    assert checkout.start("run", "-c", "import first").stdout == ""
    requirements.write_text("second==1.0\n")
    checkout.lock()
    changed = checkout.start("run", "-c", "import first, second, torch.version")
    assert changed.returncode == 0, changed.stderr
    assert "Installing what changed" in changed.stdout


def test_an_installation_that_was_cut_off_is_taken_up_again(either: Checkout) -> None:
    either.start()
    stamp = either.root / ".venv" / "installed.json"
    stamp.unlink()
    (module,) = either.site_packages("first.py")
    module.unlink()
    (record,) = either.site_packages("first-1.0.dist-info/RECORD")
    record.unlink()
    again = either.start("run", "-c", "import first; first.number")
    assert again.returncode == 0, again.stderr
    # A power cut empties files, also the one in uv's cache, which this is a link to.
    stamp.write_bytes(b"")
    module.write_bytes(b"")
    again = either.start("run", "-c", "import first; first.number")
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_module_of_python_is_one_clear_line(
    fresh: Checkout, tmp_path: Path, module: str
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
    refused = fresh.start(PYTHONPATH=str(hidden))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert "apt install python3-venv" in refused.stderr
    assert module in refused.stderr


def test_what_cannot_be_installed_ends_the_start(either: Checkout) -> None:
    (either.root / "requirements-run.txt").write_text("nowhere==1.0\n")
    either.lock()
    refused = either.start("run", "-c", "print('never')")
    assert refused.returncode == 1
    assert "never" not in refused.stdout
    assert "pip could not install" in refused.stderr.splitlines()[-1]


def test_an_unknown_build_of_torch_is_refused_in_one_line(fresh: Checkout) -> None:
    refused = fresh.start(TORCH="gpu")
    assert refused.returncode == 2
    assert refused.stderr == "TORCH must be auto, cpu or cuda, not 'gpu'.\n"


def test_cuda_by_name_is_refused_where_there_is_none(checkout: Checkout) -> None:
    refused = checkout.start(TORCH="cuda")
    assert refused.returncode == 1
    assert "no build of torch with CUDA" in refused.stderr


def test_another_build_of_torch_replaces_the_installed_one(either: Checkout) -> None:
    either.start()
    (either.wheels / "torch-2.0+cpu-py3-none-any.whl").unlink()
    make_wheel(
        either.wheels, "torch", "2.0", "__version__ = '2.0+cu130'\ncuda = '13.0'\n"
    )
    changed = either.start(
        "run", "-c", "from torch.version import cuda; print(cuda)", TORCH="cuda"
    )
    assert changed.stdout.endswith("13.0\n"), changed.stderr
    assert either.start("run", "-c", "", TORCH="auto").stdout == ""


def test_a_package_other_than_the_locked_one_is_refused(either: Checkout) -> None:
    make_wheel(either.wheels, "first", "1.0", "number = 'from somebody else'\n")
    refused = either.start("run", "-c", "print('never')")
    assert refused.returncode == 1
    assert "never" not in refused.stdout
    assert "first" in refused.stderr
    last = refused.stderr.splitlines()[-1]
    assert "not the one that is locked: its hash differs" in last
    assert "make lock" in last
    assert not either.site_packages("first.py")
    assert either.start("run", "-c", "").returncode == 1, "it is refused again"


def test_what_a_locked_package_asks_for_must_be_locked_too(either: Checkout) -> None:
    make_wheel(either.wheels, "first", "1.0", "", needs="second")
    either.lock()
    refused = either.start()
    assert refused.returncode == 1
    assert "second" in refused.stderr
    assert not either.site_packages("second.py")


def test_requirements_changed_without_a_new_lock_are_refused(fresh: Checkout) -> None:
    with (fresh.root / "requirements-run.txt").open("a") as file:
        file.write("second==1.0\n")
    refused = fresh.start("run", "-c", "print('never')")
    assert refused.returncode == 1
    assert "requirements-run.txt" in refused.stderr
    assert "make lock" in refused.stderr
    assert not (fresh.root / ".venv").exists()


def test_libraries_of_a_cuda_build_come_in_beside_the_lock(either: Checkout) -> None:
    (either.wheels / "torch-2.0+cpu-py3-none-any.whl").unlink()
    cuda = "__version__ = '2.0'\ncuda = '13.0'\n"
    make_wheel(either.wheels, "torch", "2.0", cuda, needs="nvidia_blas==3.0")
    make_wheel(either.wheels, "nvidia_blas", "3.0", "")
    done = either.start("run", "-c", "import first, nvidia_blas", TORCH="cuda")
    assert done.returncode == 0, done.stderr


def test_a_build_of_torch_brings_in_nothing_else(checkout: Checkout) -> None:
    build = "__version__ = '2.0+cpu'\ncuda = None\n"
    make_wheel(checkout.wheels, "torch", "2.0+cpu", build, needs="second")
    refused = checkout.start()
    assert refused.returncode == 1
    assert "asks for second 1.0, which is in no lock" in refused.stderr
    assert not checkout.site_packages("second.py")


def test_a_set_without_torch_installs_none(checkout: Checkout) -> None:
    done = checkout.start("audit", "-c", "print('here')")
    assert done.returncode == 0, done.stderr
    assert not checkout.site_packages("torch")
    assert checkout.start("run", "-c", "import first, torch.version").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGHUP, signal.SIGINT])
def test_an_end_while_the_environment_is_made_leaves_no_process(
    fresh: Checkout, tmp_path: Path, how: signal.Signals
) -> None:
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip(f"what runs the tests has them ignore {how.name}")
    status = end_while_it_is_made(fresh, tmp_path / "output", how)
    assert status == (130 if how is signal.SIGINT else 128 + how)


def end_while_it_is_made(checkout: Checkout, output: Path, how: signal.Signals) -> int:
    """End a start by a signal while pip comes into ``.venv``; return its status."""
    begun = Start(
        [sys.executable, "-m", "launch.env", "run"], output, cwd=checkout.root
    )
    try:
        eventually(
            lambda: any("ensurepip" in command_of(pid) for pid in begun.pids()),
            60,
            "ensurepip",
        )
        begun.process.send_signal(how)
        status = begun.process.wait(30)
        eventually(lambda: not begun.pids(), 30, "all processes gone")
    finally:
        begun.end()
    return status
