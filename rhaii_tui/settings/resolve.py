"""Finds each setting's value and remembers who gave it.

flag > environment > file (.envrc, env.sh, config.toml) > gcloud configuration > practice cloud > built-in default;
only what a cloud brings along itself (see `names.CLOUD_OWNS`) comes right after the flags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rhaii_tui.catalog.accelerators import accelerator_facts, parse_accelerator
from rhaii_tui.catalog.models import DEFAULT_MODEL
from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology
from rhaii_tui.endpoints import Endpoints
from rhaii_tui.settings import names
from rhaii_tui.settings.errors import SettingsError
from rhaii_tui.settings.files import read_exports, read_gcloud, read_toml
from rhaii_tui.settings.folders import config_home
from rhaii_tui.settings.values import Setting, Settings

_FILES = (".envrc", "env.sh")


def resolve(flags: Mapping[str, object], endpoints: Endpoints, environ: Mapping[str, str], folder: Path) -> Settings:
    """All settings with their sources. `flags` uses the names of `names.ENVIRONMENT`; None means not given.

    Reads small files, never runs anything. Raises SettingsError for unreadable files and impossible choices.
    """
    offers = _Offers(flags, endpoints, environ, folder)
    found: dict[str, Setting] = {}
    for name in names.ENVIRONMENT:
        setting = next(offers.of(name), None)
        if setting is not None:
            found[name] = setting
    accelerator = _accelerator(found)
    topology = _topology(found)
    if accelerator:
        pool = next(offers.pool(accelerator), None)
        if pool is not None and found.get("pool") is None:
            found["pool"] = pool
    for name, value in _defaults(accelerator, topology).items():
        found.setdefault(name, Setting(name, value, "built-in default"))
    if accelerator and "zone" in found:
        found["zone"] = _flagged_zone(found["zone"], accelerator)
    return Settings({name: found[name] for name in names.ENVIRONMENT if name in found}, offers.notes)


class _Offers:
    """Everyone who may say something about a setting, in order of precedence."""

    def __init__(
        self, flags: Mapping[str, object], endpoints: Endpoints, environ: Mapping[str, str], folder: Path
    ) -> None:
        self._flags = flags
        self._environ = environ
        self._endpoints = endpoints
        self._folder = folder
        self._notes: list[str] = []
        self._exports = {name: read_exports(folder / name) for name in _FILES if (folder / name).is_file()}
        config = config_home(environ) / "config.toml"
        self._config = read_toml(config) if config.is_file() else {}
        for name in sorted(self._config.keys() - names.ENVIRONMENT.keys()):
            self._notes.append(f"{name} in config.toml is no setting and is passed over")
        # gcloud's defaults belong to the real cloud: one with a project of its own has no use for them.
        own = endpoints.project is not None
        self._gcloud = {} if own else read_gcloud(environ, Path(environ.get("HOME") or Path.home()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over, and why."""
        return tuple(self._notes)

    def of(self, name: str) -> Iterator[Setting]:
        """Values for a setting, best first; placeholders of the templates are passed over."""
        flag = self._flags.get(name)
        if flag is not None:
            yield Setting(name, _text(flag), f"flag --{name.replace('_', '-')}")
        if name in names.CLOUD_OWNS:
            yield from self._cloud(name)
        yield from self._variables(name, names.ENVIRONMENT[name])
        if name in self._config:
            yield Setting(name, self._config[name], "config.toml")
        if name in names.GCLOUD and self._endpoints.project is None:
            variable, section, key = names.GCLOUD[name]
            if self._environ.get(variable):
                yield Setting(name, self._environ[variable], f"environment {variable}")
            if self._gcloud.get((section, key)):
                yield Setting(name, self._gcloud[section, key], "gcloud config")
        for file in names.FOUND_IN_FOLDER.get(name, ()):
            if (self._folder / file).is_file():
                yield Setting(name, str(self._folder / file), f"found {file}")

    def pool(self, accelerator: Accelerator) -> Iterator[Setting]:
        """The pool's name by upstream's variable for this accelerator."""
        yield from self._variables("pool", (names.POOL_BY_ACCELERATOR[accelerator.value],))

    def _variables(self, name: str, variables: tuple[str, ...]) -> Iterator[Setting]:
        for variable in variables:
            value = self._environ.get(variable, "")
            if value and not self._placeholder(variable, value, "the environment"):
                yield Setting(name, value, f"environment {variable}")
        for file, exports in self._exports.items():
            for variable in variables:
                value = exports.get(variable, "")
                if value and not self._placeholder(variable, value, file):
                    yield Setting(name, value, f"{file} {variable}")

    def _cloud(self, name: str) -> Iterator[Setting]:
        value = getattr(self._endpoints, name)
        if value is not None:
            yield Setting(name, str(value), "practice cloud")

    def _placeholder(self, variable: str, value: str, where: str) -> bool:
        hollow = value.startswith("YOUR_") or value.endswith("_HERE")
        if hollow:
            self._notes.append(f"{variable} in {where} still holds its placeholder {value!r} and is passed over")
        return hollow


def _text(value: object) -> str:
    return str(getattr(value, "value", value))


def _accelerator(found: dict[str, Setting]) -> Accelerator | None:
    given = found.get("accelerator")
    if given is None:
        return None
    try:
        accelerator = parse_accelerator(given.value)
    except ValueError as error:
        raise SettingsError("Unknown accelerator", f"{error} (from {given.source}).", "Say gpu or tpu.") from None
    found["accelerator"] = Setting(given.name, accelerator.value, given.source)
    return accelerator


def _topology(found: dict[str, Setting]) -> Topology | None:
    given = found.get("topology")
    if given is None:
        return None
    try:
        return Topology(given.value.strip().lower())
    except ValueError:
        choices = ", ".join(t.value for t in Topology)
        raise SettingsError(
            "Unknown topology", f"{given.value!r} (from {given.source}) is not one of {choices}.", f"Say {choices}."
        ) from None


def _defaults(accelerator: Accelerator | None, topology: Topology | None) -> dict[str, str]:
    values = {"namespace": "rhaii-inference", "model": DEFAULT_MODEL, "provisioning": "on-demand"}
    if accelerator:
        facts = accelerator_facts(accelerator)
        values |= {
            "zone": facts.zone,
            "cluster": facts.cluster,
            "pool": facts.pool,
            "service": facts.service,
            "image": facts.image,
        }
    if accelerator and topology:
        values["replicas"] = str(Shape(accelerator, topology).replicas)
    return values


def _flagged_zone(zone: Setting, accelerator: Accelerator) -> Setting:
    """Keeps a zone that was meant for the other accelerator (say, from a TPU guide's .envrc), and says so."""
    facts = accelerator_facts(accelerator)
    if zone.source.startswith(("flag", "built-in")) and zone.value in facts.zones:
        return zone
    other = next(a for a in Accelerator if a is not accelerator)
    others = accelerator_facts(other)
    if zone.value == others.zone or (zone.value in others.zones and zone.value not in facts.zones):
        note = (
            f"{zone.value} (from {zone.source}) is a zone for {others.title}; "
            f"{facts.title} is usually deployed in {facts.zone}"
        )
    elif zone.value not in facts.zones:
        note = f"{zone.value} is not in the list of zones known to offer {facts.title}; the preflight asks the cloud"
    else:
        return zone
    return Setting(zone.name, zone.value, zone.source, note)
