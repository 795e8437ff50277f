"""Tells whether a folder holds a whole model, from file sizes and headers alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

#: What a model is loaded from; whatever else lies in its folder is not looked at.
LOADED_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model")


def problem(folder: Path) -> str:
    """What is wrong with the folder, as a sentence; empty when it is complete."""
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
    if broken := broken_files(folder):
        return f"is incomplete or broken: {', '.join(p.name for p in broken)}."
    return ""


def _other_weights(folder: Path) -> str:
    """Pickles are programs: they are neither loaded nor converted here."""
    found = (p.name for p in sorted(folder.iterdir()) if p.suffix in PICKLED)
    if name := next(found, ""):
        return (
            f"holds no *.safetensors. Its {name} is a pickle, which can run code when "
            "it is loaded, and is never opened here; have it saved as safetensors."
        )
    return "holds no *.safetensors; other kinds of weights are not loaded."


def loaded_files(folder: Path) -> list[Path]:
    """The files of the folder that a model is loaded from."""
    return sorted({p for kind in LOADED_FILES for p in folder.glob(kind)})


def broken_files(folder: Path) -> list[Path]:
    """Files that are cut short or missing: weights by their header, JSON by parsing."""
    broken = [p for p in sorted(folder.glob("*.safetensors")) if not _is_whole(p)]
    broken += [p for p in sorted(folder.glob("*.json")) if not _is_json(p)]
    missing = (folder / name for name in _shards(folder))
    return broken + [path for path in missing if not path.is_file()]


def _shards(folder: Path) -> list[str]:
    """The files that an index names as parts of the weights; none without an index."""
    indices = (_object(p) for p in folder.glob("*.safetensors.index.json"))
    maps = (index.get("weight_map") for index in indices)
    return sorted(
        {str(name) for m in maps if isinstance(m, dict) for name in m.values()}
    )


def _strange_shards(folder: Path) -> str:
    """transformers would open what these name, pickles and files elsewhere too."""
    named = _object(folder / "config.json").get("transformers_weights")
    names = [*_shards(folder), *([] if named is None else [str(named)])]
    is_plain = re.compile(r"[^/\\]+\.safetensors(\.index\.json)?").fullmatch
    return ", ".join(name for name in names if not is_plain(name))


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_whole(path: Path) -> bool:
    """A safetensors file: 8 bytes of header length, JSON header, then the tensors."""
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
