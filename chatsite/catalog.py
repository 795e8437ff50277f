"""The catalogue: the models on offer, read from the TOML file that both tiers share."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatsite.catalog_presets import CatalogPreset, read_presets
from chatsite.catalog_table import CatalogError, CatalogTable
from chatsite.model_source import (
    FolderSource,
    GgufSource,
    HubSource,
    Source,
    read_source,
)
from chatsite.remote_model import RemoteKind, RemoteModel, read_remote
from chatsite.sampling_settings import MODEL_SETTINGS
from chatsite.server_url import shown
from chatsite.wire import SamplingParams

__all__ = [
    "Catalog",
    "CatalogError",
    "CatalogPreset",
    "FolderSource",
    "GgufSource",
    "HubSource",
    "ModelEntry",
    "Source",
    "Template",
]

ENGINES = ("transformers", "remote", "scripted")
#: Names of models become parts of queue names, Redis keys and folder names.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
SHA256 = re.compile(r"[0-9a-f]{64}")
#: The context of a local model, unless its own configuration has a smaller one.
LOCAL_CONTEXT_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Template:
    """How a model without a chat template reads a conversation: as a transcript.

    Each turn begins on a line of its own with the marker ``user`` or ``assistant``.
    """

    opening: str
    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model on offer."""

    name: str
    label: str
    #: None if the engine needs no weights.
    source: Source | None
    context_tokens: int
    #: Used only if the tokenizer has no chat template.
    template: Template | None = None
    #: Strings that end a reply, in addition to those of the request.
    stop: tuple[str, ...] = ()
    settings: SamplingParams = field(default_factory=SamplingParams)
    engine: str = "transformers"
    hidden: bool = False
    #: The server that has the model, if another one than this worker.
    remote: RemoteModel | None = None
    #: SHA-256 of the model's files by name. If there are any, every file needs one.
    sha256: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: That of ``model.safetensors`` alone, where those of the other files are unknown.
    weights_sha256: str = ""
    #: Whether it was ever loaded where this catalogue is tested.
    tried: bool = True
    #: Whether it can find a title for a conversation, as models that follow
    #: instructions can.
    titles: bool = True

    @property
    def revision(self) -> str:
        """The version of the weights; empty for a local path."""
        match self.source:
            case HubSource(revision=revision):
                return revision
            case GgufSource(package=package):
                return package
        return ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models of one catalogue file, hidden ones included."""

    default: str
    #: Name of the stand-in for an unreachable default; empty for none.
    fallback: str
    models: Mapping[str, ModelEntry]
    #: What the operator offers to begin with, by their names.
    presets: Mapping[str, CatalogPreset] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Catalog:
        """Read a catalogue. Raises ``CatalogError`` with file, model and field."""
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise CatalogError(
                f"{shown(str(path))}: cannot be read: {error.strerror}"
            ) from error
        except ValueError as error:
            raise CatalogError(f"{path}: is no valid TOML: {error}") from error
        return _catalog(CatalogTable(str(path), raw), path.parent)

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """The models that users can see, in the order of the file."""
        return tuple(e for e in self.models.values() if not e.hidden)

    def get(self, choice: str) -> ModelEntry:
        """Return the model of that name, or a local one by its path.

        A path is absolute or exists. An absolute one need not exist here, because the
        web server may not see the folder of the worker. Raises ``CatalogError``.
        """
        if choice in self.models:
            return self.models[choice]
        if (path := _path_of(choice)) is not None:
            return self._local_entry(path)
        names = ", ".join(e.name for e in self.entries)
        raise CatalogError(
            f"There is no model {shown(choice)!r}. On offer: {names};"
            " or the absolute path of a folder or a .gguf file."
        )

    def _local_entry(self, path: Path) -> ModelEntry:
        is_gguf = path.suffix.lower() == ".gguf"
        default = self.models[self.default]
        return ModelEntry(
            name=self._local_name(path.stem if is_gguf else path.name),
            label=path.name or str(path),
            source=GgufSource(path) if is_gguf else FolderSource(path),
            context_tokens=LOCAL_CONTEXT_TOKENS,
            template=default.template,
            settings=default.settings,
        )

    def _local_name(self, stem: str) -> str:
        """Return a name for queues that no model of the catalogue has."""
        slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:50].strip("-")
        name = slug or "local"
        return f"local-{name}" if name in self.models else name


def _path_of(choice: str) -> Path | None:
    """Return the absolute path, if ``choice`` may be a path."""
    try:
        path = Path(choice).expanduser() if choice.startswith("~") else Path(choice)
        is_path = bool(choice) and (path.is_absolute() or path.exists())
    except (OSError, RuntimeError):
        return None
    return path.absolute() if is_path else None


def _catalog(table: CatalogTable, folder: Path) -> Catalog:
    table.only("default", "fallback", "models", "presets")
    models = table.table("models")
    if models is None or not models.values:
        raise table.error("models", "is missing: a catalogue needs a model")
    entries = {}
    for name in models.values:
        model = models.table(name)
        if model is None or not NAME.fullmatch(name):
            raise models.error(name, "a name has lower case letters, digits, - and _")
        entries[name] = _entry(name, _with_template(model, models), folder)
    for role in ("default", "fallback"):
        if (name := table.text(role, "")) and name not in entries:
            raise table.error(role, f"there is no model {name!r}")
    presets = read_presets(table.table("presets"), entries)
    return Catalog(table.text("default"), table.text("fallback", ""), entries, presets)


def _with_template(model: CatalogTable, models: CatalogTable) -> CatalogTable:
    """Replace the name of another model by the template of that model."""
    name = model.values.get("template")
    if not isinstance(name, str):
        return model
    other = models.values.get(name)
    template = other.get("template") if isinstance(other, dict) else None
    if not isinstance(template, dict):
        raise model.error("template", f"there is no model {name!r} with a template")
    return CatalogTable(model.place, {**model.values, "template": template})


def _entry(name: str, table: CatalogTable, folder: Path) -> ModelEntry:
    table.only(
        *("label", "hub", "revision", "folder", "gguf", "package", "context_tokens"),
        *("template", "stop", "settings", "engine", "hidden", "sha256", "remote"),
        *("weights_sha256", "tried", "titles"),
    )
    engine = table.choice("engine", ENGINES)
    remote = _remote(table, engine)
    return ModelEntry(
        name=name,
        label=table.text("label"),
        source=read_source(table, folder) if engine == "transformers" else None,
        context_tokens=table.integer("context_tokens", minimum=16),
        template=_template(table.table("template")),
        stop=table.texts("stop"),
        settings=_settings(table.table("settings")),
        engine=engine,
        hidden=table.flag("hidden"),
        remote=remote,
        sha256=_sha256(table.table("sha256")),
        weights_sha256=_weights_sha256(table),
        tried=table.flag("tried", default=True),
        titles=table.flag("titles", default=_follows_instructions(table, engine)),
    )


def _follows_instructions(table: CatalogTable, engine: str) -> bool:
    """Whether a model is made for conversations, and does not only continue a text."""
    return engine != "scripted" and "template" not in table.values


def _remote(table: CatalogTable, engine: str) -> RemoteModel | None:
    """Read the server of a model, which goes with one engine only."""
    server = table.table("remote")
    if (server is not None) != (engine == "remote"):
        raise table.error("remote", 'goes with engine = "remote", which needs it')
    if server is None:
        return None
    remote = read_remote(server)
    if remote.kind is RemoteKind.COMPLETIONS and "template" not in table.values:
        raise table.error("template", 'is needed with kind = "completions"')
    return remote


def _template(table: CatalogTable | None) -> Template | None:
    if table is None:
        return None
    table.only("opening", "user", "assistant")
    return Template(
        opening=table.text("opening").strip(),
        user=table.text("user").strip(),
        assistant=table.text("assistant").strip(),
    )


def _sha256(table: CatalogTable | None) -> dict[str, str]:
    if table is None:
        return {}
    for name in table.values:
        if not SHA256.fullmatch(table.text(name)):
            raise table.error(name, "must be a SHA-256 of 64 hexadecimal digits")
    return dict(table.values)


def _weights_sha256(table: CatalogTable) -> str:
    digest = table.text("weights_sha256", "")
    if digest and ("hub" not in table.values or "sha256" in table.values):
        raise table.error("weights_sha256", "goes with hub, and without sha256")
    if digest and not SHA256.fullmatch(digest):
        raise table.error("weights_sha256", "must have 64 hexadecimal digits")
    return digest


def _settings(table: CatalogTable | None) -> SamplingParams:
    """Read the sampling settings of a model; the others have their defaults."""
    if table is None:
        return SamplingParams()
    table.only(*(setting.name for setting in MODEL_SETTINGS))
    given = [setting for setting in MODEL_SETTINGS if setting.name in table.values]
    for setting in given:
        if problem := setting.problem(table.values[setting.name]):
            raise table.error(setting.name, problem)
    return SamplingParams(**{one.name: table.values[one.name] for one in given})
