"""Tells whether a folder holds a whole model, from file sizes and headers alone."""

from __future__ import annotations

import json
from pathlib import Path

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model")


def problem(folder: Path) -> str:
    """What is wrong with the folder, as a sentence; empty when it is complete."""
    if not folder.is_dir():
        return "is no folder that can be read."
    if not (folder / "config.json").is_file():
        return "holds no config.json: it is no model of transformers."
    files = list(folder.glob("*.safetensors"))
    if not files:
        return "holds no *.safetensors; other kinds of weights are not loaded."
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return f"holds no tokenizer: none of {', '.join(TOKENIZER_FILES)}."
    if broken := broken_files(folder):
        return f"is incomplete or broken: {', '.join(p.name for p in broken)}."
    return ""


def broken_files(folder: Path) -> list[Path]:
    """Files that are cut short or missing: weights by their header, JSON by parsing."""
    broken = [p for p in sorted(folder.glob("*.safetensors")) if not _is_whole(p)]
    broken += [p for p in sorted(folder.glob("*.json")) if not _is_json(p)]
    index = folder / "model.safetensors.index.json"
    if index.is_file() and index not in broken:
        shards = set(
            json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        )
        broken += [folder / s for s in sorted(shards) if not (folder / s).is_file()]
    return broken


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
