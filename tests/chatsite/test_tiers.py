"""In fresh interpreters, web and keeper never load the libraries of the model."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "gguf", "safetensors", "tokenizers", "worker")
WEB = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"
import chatsite.wsgi, chatsite.urls, chatsite.celery, chat.tasks
from django.urls import get_resolver
get_resolver().url_patterns
chatsite.celery.app.finalize()
"""
KEEPER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"
import django; django.setup()
from django.core.management import load_command_class
load_command_class("chat", "keeper")
"""
SCRIPTED_WORKER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"
import worker.tasks
from worker.engine.factory import open_engine
from chatsite.model_choice import model_entry
open_engine(model_entry(), None, rows=1, device="auto", threads=1).close(0)
"""

REMOTE_WORKER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"
import worker.tasks
from chatsite.catalog import ModelEntry
from chatsite.remote_model import RemoteModel
from worker.engine.factory import open_engine
remote = RemoteModel(url="http://127.0.0.1:9/v1", model="m", rows=1)
entry = ModelEntry("far", "Far", None, 64, engine="remote", remote=remote)
open_engine(entry, None, rows=1, device="auto", threads=1).close(0)
"""


def modules_after(program: str) -> set[str]:
    listing = "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", program + listing],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("program", [WEB, KEEPER], ids=["web", "keeper"])
def test_the_web_tier_loads_neither_model_libraries_nor_the_worker(
    program: str,
) -> None:
    assert modules_after(program).isdisjoint(HEAVY)


def test_the_web_server_loads_no_http_client() -> None:
    assert "urllib3" not in modules_after(WEB)


def test_the_worker_loads_no_orm_models_and_the_scripted_engine_no_torch() -> None:
    assert modules_after(SCRIPTED_WORKER).isdisjoint({"chat", "torch"})


def test_a_worker_of_remote_models_loads_no_library_of_models() -> None:
    heavy = {*HEAVY, "chat", "numpy", "huggingface_hub"} - {"worker"}
    assert modules_after(REMOTE_WORKER).isdisjoint(heavy)
