"""What the command keeps: API keys, and the last conversation with each site.

Keys are in a file that only its owner can read, each under the address of its site, so
none is ever sent to another one.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

from chatsite.cli.errors import CliError, Exit

KEY_VARIABLE = "CHATSITE_API_KEY"
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def find_key(url: str) -> str:
    """Return the key for a site. Raises ``CliError``."""
    if key := os.environ.get(KEY_VARIABLE, "").strip():
        return checked_key(key, f"{KEY_VARIABLE} holds no API key.", Exit.KEY)
    if key := _read(keys_file()).get(url, ""):
        return checked_key(key, f"{keys_file()} holds no API key for {url}.", Exit.KEY)
    raise CliError(
        f"There is no API key for {url}. Make one on the page Your account → API keys, "
        f"then run: chatsite login --url {url}",
        Exit.KEY,
    )


def checked_key(typed: str, otherwise: str, code: Exit) -> str:
    """Return a key that a header can carry. Raises ``CliError``."""
    if not typed.isascii() or not typed.isprintable() or " " in typed or not typed:
        said = f"{otherwise} It is one word of letters, digits and signs."
        raise CliError(said, code)
    return typed


def keep_key(url: str, key: str) -> Path:
    """Keep the key for a site; return the file. Raises ``CliError``."""
    path = keys_file()
    _write(path, {**_read(path), url: key})
    return path


def last_conversation(url: str) -> str:
    """Return the conversation that the last ``ask`` was part of; empty for none."""
    return _read(_last_file()).get(url, "")


def keep_last_conversation(url: str, conversation: str) -> None:
    """Keep it for ``ask --continue``. Raises ``CliError``."""
    _write(_last_file(), {**_read(_last_file()), url: conversation})


def keys_file() -> Path:
    """Return where keys are kept."""
    return _folder("XDG_CONFIG_HOME", ".config") / "keys.json"


def _last_file() -> Path:
    return _folder("XDG_STATE_HOME", ".local/state") / "last.json"


def _folder(variable: str, default: str) -> Path:
    """The folder of this program, by the XDG base directory specification."""
    named = os.environ.get(variable, "")
    base = Path(named) if os.path.isabs(named) else Path.home() / default
    return base / "chatsite"


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            _refuse_if_open_to_others(path, os.fstat(file.fileno()))
            found = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise CliError(f"{path} cannot be read: {error}", Exit.USAGE) from None
    pairs = found.items() if isinstance(found, dict) else ()
    return {site: text for site, text in pairs if isinstance(text, str)}


def _refuse_if_open_to_others(path: Path, found: os.stat_result) -> None:
    if stat.S_IMODE(found.st_mode) & OTHERS:
        raise CliError(
            f"Others can read {path}, so it is not used. Run: chmod 600 '{path}' "
            "(and if they may have read it, revoke the key and make a new one)",
            Exit.KEY,
        )


def _write(path: Path, content: dict[str, str]) -> None:
    """Replace the file as a whole; a temporary file has mode 600 from its beginning."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        Path(name).replace(path)
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error}", Exit.USAGE) from None
