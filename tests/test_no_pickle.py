"""Nothing of ours reads a format that can run code, and no code of a model runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.session import SessionStorage
from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.utils.module_loading import import_string

from chatsite.celery import app
from tests.processes import ROOT

PACKAGES = ("bench", "chat", "chatsite", "launch", "worker")
SOURCES = [
    ROOT / "manage.py",
    *sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py")),
]
#: Modules whose formats name what is called when they are read.
FORBIDDEN_MODULES = {
    *("pickle", "_pickle", "cPickle", "pickletools", "marshal", "shelve", "dill"),
    *("cloudpickle", "joblib", "yaml", "jsonpickle", "copyreg"),
}
#: Calls that read a pickle, or build code from text, by the end of their dotted name.
FORBIDDEN_CALLS = {
    *("torch.load", "torch.jit.load", "numpy.load", "np.load", "read_pickle"),
    *("eval", "exec", "compile", "__import__", "runpy.run_path"),
}


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of such an expression; empty for another one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def findings(source: str) -> list[str]:
    """What in a source text reads pickles, runs text or lets a model bring code."""
    tree = ast.parse(source)
    found = [
        f"import {name}"
        for name in imported(tree)
        if name.partition(".")[0] in FORBIDDEN_MODULES or name in FORBIDDEN_CALLS
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in FORBIDDEN_CALLS:
            found.append(f"{dotted(node.func)}()")
        if isinstance(node, ast.keyword):
            value = getattr(node.value, "value", None)
            if node.arg == "trust_remote_code" and value is not False:
                found.append("trust_remote_code")
            if node.arg in ("weights_only", "use_safetensors", "allow_pickle"):
                is_safe = value is (node.arg != "allow_pickle")
                found += [] if is_safe else [f"{node.arg}={value}"]
        if isinstance(node, ast.Constant) and node.value == "trust_remote_code":
            found.append("trust_remote_code")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_reads_pickles_runs_text_or_trusts_code_of_a_model(
    path: Path,
) -> None:
    assert findings(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import os, shelve as s",
        "def f():\n    import yaml.loader",
        "from torch import load",
        "import torch\ntorch.load('x')",
        "import numpy as np\nnp.load('x')",
        "eval('1')",
        "load(trust_remote_code=True)",
        "load(trust_remote_code=x)",
        "load(**{'trust_remote_code': True})",
        "load(weights_only=False)",
        "load(use_safetensors=None)",
        "load(allow_pickle=True)",
    ],
)
def test_the_scan_finds_what_it_looks_for(source: str) -> None:
    assert findings(source)


def test_the_scan_sees_the_whole_product() -> None:
    assert len(SOURCES) > 100
    assert ROOT / "worker/engine/model.py" in SOURCES


def test_the_loader_of_models_says_no_to_their_code() -> None:
    source = (ROOT / "worker/engine/model.py").read_text(encoding="utf-8")
    assert "trust_remote_code=False" in source
    assert '"use_safetensors": True' in source


def test_sessions_and_messages_are_json() -> None:
    assert settings.SESSION_SERIALIZER.endswith(".JSONSerializer")
    for storage in import_string(settings.MESSAGE_STORAGE).storage_classes:
        assert issubclass(storage, CookieStorage | SessionStorage)


def test_no_cache_of_django_keeps_pickles() -> None:
    """All its backends pickle what they keep, but for the one that keeps nothing."""
    assert all(isinstance(caches[name], DummyCache) for name in settings.CACHES)
    caches["default"].set("name", object())
    assert caches["default"].get("name") is None


def test_the_broker_takes_nothing_but_json() -> None:
    conf = app.conf
    assert list(conf.accept_content) == ["json"]
    assert conf.task_serializer == "json"
    assert conf.result_serializer == "json"
    assert list(conf.result_accept_content or ["json"]) == ["json"]
