"""Which model answers."""

from __future__ import annotations

from chatsite.setting_types import FilePath, ModelNames, Text
from chatsite.setting_types.paths import ROOT

TITLE = "The model"
INTRODUCTION = ""

CHAT_MODEL = Text(
    "CHAT_MODEL",
    "",
    default_note="gpt2; smollm2 where the model hub cannot be reached",
    expected="a name of the catalogue, or the path of a folder or a .gguf file",
    about="The model: a name from the catalogue, a folder in the layout of "
    "transformers, or a GGUF file.",
)
CHAT_MODELS = ModelNames(
    "CHAT_MODELS",
    (),
    default_note="CHAT_MODEL alone",
    about="The models that the workers of this machine serve; users pick one of them. "
    "The first is the default, unless CHAT_MODEL names another. `make run` starts "
    "`WORKERS` processes for each model; models on other servers share theirs.",
)
CHAT_CATALOG = FilePath(
    "CHAT_CATALOG",
    ROOT / "catalog.toml",
    about="The catalogue: a TOML file of the models on offer.",
)
HF_HOME = Text(
    "HF_HOME",
    "",
    default_note="~/.cache/huggingface",
    expected="a path",
    about="The folder in which models of the hub are cached. The hub's library reads "
    "it.",
)
HF_ENDPOINT = Text(
    "HF_ENDPOINT",
    "",
    default_note="https://huggingface.co",
    expected="an address",
    about="The model hub, or a mirror of it. The hub's library reads it.",
)
