"""``make admin``: a superuser, also before the first start."""

from __future__ import annotations

from pathlib import Path

from tests.launch.process_tree import launch, run


def test_it_makes_one_in_a_folder_that_was_never_started(tmp_path: Path) -> None:
    made = run(
        launch("admin"),
        DATA_DIR=str(tmp_path / "data"),
        CHAT_MODEL="scripted",
        ADMIN_NAME="hive",
        ADMIN_PASSWORD="a long enough one",
    )
    assert made.returncode == 0, made.stderr
    assert "hive is a superuser." in made.stdout
