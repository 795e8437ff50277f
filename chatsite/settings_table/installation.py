"""What `make` reads before anything is installed."""

from __future__ import annotations

from chatsite.setting_types import OneOf, Text

TITLE = "Installation"
INTRODUCTION = "`make` reads these before the program is installed."

TORCH = OneOf(
    "TORCH",
    "auto",
    choices=("auto", "cpu", "cuda"),
    about="The build of torch to install; `auto` looks for an NVIDIA card.",
)
PYTHON = Text(
    "PYTHON",
    "python3",
    expected="a command or a path",
    about="The Python that makes the virtual environment.",
)
BUNDLE = Text(
    "BUNDLE",
    "",
    default_note="none: packages come from where pip looks",
    expected="a path",
    about="What `make bundle` has made: packages and model come from it, and nothing "
    "from the network.",
)
