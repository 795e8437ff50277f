"""The key that signs cookies: from the environment, else kept in the data folder."""

from __future__ import annotations

import secrets
import warnings
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from chatsite.durable_file import create_durably
from chatsite.setting_types.secrets import SECRET_CHARACTERS_MIN
from chatsite.settings_table import addresses


def secret_key(data_dir: Path) -> str:
    """Return ``SECRET_KEY``, else the key in the data folder; the first start makes it.

    Raises ``ImproperlyConfigured``.
    """
    if key := addresses.SECRET_KEY.read():
        return key
    kept = data_dir / "secret_key"
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            # It is on the disk before it signs anything, in case of a power cut.
            create_durably(kept, secrets.token_urlsafe(50))
        return _kept_key(kept)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{kept} must be a file that this account can read and write, since it "
            f"holds the secret key: {error.strerror}."
        ) from None


def _kept_key(kept: Path) -> str:
    """Return the key in this file, and close the file to other accounts."""
    if kept.stat().st_mode & 0o077:
        warnings.warn(f"{kept} could be read by others; closed", stacklevel=2)
        kept.chmod(0o600)
    try:
        key = kept.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        key = ""
    # After a power cut a file may have the length of a key, but only NUL bytes.
    if len(key) < SECRET_CHARACTERS_MIN or not key.isprintable():
        raise ImproperlyConfigured(
            f"{kept} holds no key. If you have a copy of it, put that there. Else "
            "remove the file: the next start makes a new key. That logs everybody out, "
            "and guests no longer see their conversations."
        )
    return key
