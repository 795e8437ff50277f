"""Makes wheels of installed packages: of torch, whose build depends on the machine.

The format of wheels: https://packaging.python.org/en/latest/specifications/
"""

from __future__ import annotations

import base64
import hashlib
from email.parser import Parser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from launch.env.lockfiles import NOT_LOCKED, normalized

#: Files of an installation that are in no wheel.
OF_INSTALLERS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
#: Shared objects are large, and more compression takes minutes.
COMPRESSION = 1


def repack_unlocked(into: Path) -> list[Path]:
    """Make a wheel of each package of this environment that no lock holds."""
    return [
        repack(found, into)
        for found in distributions()
        if NOT_LOCKED.fullmatch(normalized(found.metadata["Name"]))
    ]


def repack(found: Distribution, into: Path) -> Path:
    """Make a wheel of an installed package, without what its installation added."""
    path = into / _file_name(found)
    record: list[str] = []
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as wheel:
        for file in found.files or ():
            # Scripts outside of the packages are made again at the installation.
            if file.parts[0] == ".." or file.suffix == ".pyc":
                continue
            if file.parent.suffix == ".dist-info" and file.name in OF_INSTALLERS:
                continue
            content = Path(str(found.locate_file(file))).read_bytes()
            wheel.writestr(str(file), content)
            record.append(_record_line(str(file), content))
        name = f"{_folder(found)}/RECORD"
        wheel.writestr(name, "".join(record) + f"{name},,\n")
    return path


def _record_line(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"{name},sha256={digest.decode().rstrip('=')},{len(content)}\n"


def _folder(found: Distribution) -> str:
    names = {file.parts[0] for file in found.files or ()}
    return next(name for name in names if name.endswith(".dist-info"))


def _file_name(found: Distribution) -> str:
    """The name of a wheel: package, version, and for which Pythons and systems."""
    said = Parser().parsestr(found.read_text("WHEEL") or "")
    tags = [tag.split("-") for tag in said.get_all("Tag") or ()]
    parts = [".".join(sorted({tag[part] for tag in tags})) for part in range(3)]
    stem = _folder(found).removesuffix(".dist-info")
    return f"{stem}-{'-'.join(parts)}.whl"
