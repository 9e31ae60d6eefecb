"""A setting and all settings, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rhaii_tui.catalog.prices import Provisioning
from rhaii_tui.catalog.target import Target
from rhaii_tui.settings.errors import SettingsError

_REQUIRED = ("accelerator", "topology", "project", "zone")
_HOW = {
    "accelerator": "Say --accelerator gpu or --accelerator tpu.",
    "topology": "Say --topology single, baseline or scale-out.",
    "project": "Say --project NAME, or run: gcloud config set project NAME.",
    "zone": "Say --zone ZONE, such as us-central1-a.",
}
_NAME_RULE = "A name has up to 40 lower-case letters, digits and hyphens, and starts with a letter."
_RULES = {
    "project": "A project id has 6 to 30 lower-case letters, digits and hyphens, and starts with a letter.",
    "zone": "A zone looks like us-central1-a.",
    "replicas": "The number of replicas is a whole number from 1 to 16.",
    "model": "A Hugging Face id looks like Qwen/Qwen2.5-3B-Instruct.",
    "image": "An image looks like registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5.",
    "namespace": f"{_NAME_RULE} kube-... belongs to the cluster itself.",
}
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_NARROWER = {
    "namespace": _NAME,
    "service": _NAME,
    "model": re.compile(r"[A-Za-z0-9][-\w.]{0,95}(/[A-Za-z0-9][-\w.]{0,95})?"),
    "image": re.compile(r".+"),
}
"""What a deployment of ours must look like: KServe hashes longer names, and models come from Hugging Face."""
_TITLES = {"replicas": "number of replicas", "project": "project id", "model": "model id"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and who gave it. `note` is set when the value is used but looks out of place."""

    name: str
    value: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting that has a value. `notes` tell what was passed over while looking."""

    values: Mapping[str, Setting]
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Everything worth telling before the values are used."""
        return (*self.notes, *(s.note for s in self.values.values() if s.note))

    def get(self, name: str) -> str | None:
        """A value, or None when nobody gave one."""
        setting = self.values.get(name)
        return setting.value if setting else None

    def target(self) -> Target:
        """The deployment these settings describe. Raises SettingsError for what is missing or malformed."""
        from pydantic import ValidationError

        for name in _REQUIRED:
            if name not in self.values:
                raise SettingsError(f"No {name} given", f"The {name} is needed to plan a deployment.", _HOW[name])
        self._check_provisioning()
        fields: dict[str, Any] = {name: setting.value for name, setting in self.values.items()}
        for name, rule in _NARROWER.items():
            if name in fields and not rule.fullmatch(fields[name]):
                raise self._explain(name)
        try:
            return Target(**fields)
        except ValidationError as error:
            raise self._explain(str(error.errors()[0]["loc"][0])) from None

    def _check_provisioning(self) -> None:
        given = self.values["provisioning"]
        choices = [p.value for p in Provisioning]
        if given.value not in choices:
            raise SettingsError(
                "Unknown provisioning",
                f"{given.value!r} (from {given.source}) is not one of {', '.join(choices)}.",
                f"Say --provisioning {choices[0]}.",
            )

    def _explain(self, name: str) -> SettingsError:
        setting = self.values[name]
        rule = _RULES.get(name, _NAME_RULE)
        flag = name.replace("_", "-")
        next_step = f"Say --{flag}." if setting.source.startswith("flag") else f"Correct it there, or say --{flag}."
        return SettingsError(
            f"{setting.value!r} is not a valid {_TITLES.get(name, name)}",
            f"It comes from {setting.source}. {rule}",
            next_step,
        )
