"""Checks that a folder holds a complete model, by file sizes and headers alone."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any


class FetchError(RuntimeError):
    """The model cannot be provided. The message is one line for the operator."""


#: Files that a model is loaded from; others in its folder are ignored.
LOADED_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model")


def find_problem(folder: Path) -> str:
    """Return what is wrong with the folder, as a sentence; empty if it is complete."""
    if not folder.is_dir():
        return "is no folder that can be read."
    if not (folder / "config.json").is_file():
        return "holds no config.json: it is no model of transformers."
    files = list(folder.glob("*.safetensors"))
    if not files:
        return _other_weights(folder)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return f"holds no tokenizer: none of {', '.join(TOKENIZER_FILES)}."
    if strange := _strange_shards(folder):
        return f"names {strange} as a part of the weights, which is no safetensors."
    if broken := incomplete_files(folder):
        return f"is incomplete or broken: {', '.join(p.name for p in broken)}."
    return ""


def _other_weights(folder: Path) -> str:
    """Return why other weights are refused. Pickles can run code when loaded."""
    found = (p.name for p in sorted(folder.iterdir()) if p.suffix in PICKLED)
    if name := next(found, ""):
        return (
            f"holds no *.safetensors. Its {name} is a pickle, which can run code when "
            "it is loaded, and is never opened here; have it saved as safetensors."
        )
    return "holds no *.safetensors; other kinds of weights are not loaded."


def loaded_files(folder: Path) -> list[Path]:
    """Return the files of the folder that a model is loaded from."""
    return sorted({p for kind in LOADED_FILES for p in folder.glob(kind)})


def digest(folder: Path) -> str:
    """Return a digest of all files of the folder that a model is loaded from."""
    whole = hashlib.sha256()
    for path in loaded_files(folder):
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {found}\n".encode())
    return whole.hexdigest()


def incomplete_files(folder: Path) -> list[Path]:
    """Return files that are cut short or missing, by safetensors header or as JSON."""
    broken = [p for p in sorted(folder.glob("*.safetensors")) if not _is_whole(p)]
    broken += [p for p in sorted(folder.glob("*.json")) if not _is_json(p)]
    missing = (folder / name for name in _shards(folder))
    return broken + [path for path in missing if not path.is_file()]


def _shards(folder: Path) -> list[str]:
    """Return the weight files that an index names; none without an index."""
    indices = (_read_json_object(p) for p in folder.glob("*.safetensors.index.json"))
    maps = (index.get("weight_map") for index in indices)
    return sorted(
        {str(name) for m in maps if isinstance(m, dict) for name in m.values()}
    )


def _strange_shards(folder: Path) -> str:
    """Return weight files named in the folder that are not safetensors inside it.

    transformers would open them, also pickles and files elsewhere.
    """
    named = _read_json_object(folder / "config.json").get("transformers_weights")
    names = [*_shards(folder), *([] if named is None else [str(named)])]
    is_plain = re.compile(r"[^/\\]+\.safetensors(\.index\.json)?").fullmatch
    return ", ".join(name for name in names if not is_plain(name))


def _read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_whole(path: Path) -> bool:
    """Return whether a safetensors file has the size that its header states.

    The format: 8 bytes with the length of the header, a JSON header, then the tensors
    (https://huggingface.co/docs/safetensors).
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size
            if length > size:
                return False
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(size == 8 + length + end)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
