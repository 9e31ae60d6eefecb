"""Where the cloud is and how to be let in: the only thing that differs between Google Cloud and the practice cloud.

Every client of the product is built from an `Endpoints` value; nothing else in the product knows an address.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rhaii_tui.clock import Clock


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs end without a slash. `token_file` None means Application Default Credentials."""

    name: str
    container: str
    compute: str
    cloudquotas: str
    serviceusage: str
    resourcemanager: str
    billing: str
    clock: Clock = field(default_factory=Clock)
    project: str | None = None
    token_file: Path | None = None
    pull_secret_file: Path | None = None
    hf_token_file: Path | None = None
    operators_command: tuple[str, ...] = ("make", "deploy-all")
    operators_directory: Path | None = None
    trust_env: bool = True
    """False on loopback: proxy variables must not capture 127.0.0.1."""

    @property
    def is_practice(self) -> bool:
        """For wording on screens and for run bookkeeping only; no behaviour may depend on it."""
        return self.name.startswith("practice:")

    def token(self) -> str | None:
        """The static bearer token, read anew each time so that a rotated one is seen. Never log it."""
        return self.token_file.read_text().strip() if self.token_file else None


def google_cloud() -> Endpoints:
    """The real Google Cloud."""
    return Endpoints(
        name="google",
        container="https://container.googleapis.com",
        compute="https://compute.googleapis.com",
        cloudquotas="https://cloudquotas.googleapis.com",
        serviceusage="https://serviceusage.googleapis.com",
        resourcemanager="https://cloudresourcemanager.googleapis.com",
        billing="https://cloudbilling.googleapis.com",
    )


def practice_cloud(descriptor: Path) -> Endpoints:
    """A running practice cloud, by the descriptor file it wrote. Raises OSError, ValueError or KeyError."""
    d: dict[str, Any] = json.loads(descriptor.read_text())
    base = str(d["google"]).rstrip("/")
    return Endpoints(
        name=f"practice:{d['id']}",
        container=base,
        compute=base,
        cloudquotas=base,
        serviceusage=base,
        resourcemanager=base,
        billing=base,
        clock=Clock(float(d["rate"])),
        project=str(d["project"]),
        token_file=Path(d["token_file"]),
        pull_secret_file=Path(d["pull_secret_file"]),
        hf_token_file=Path(d["hf_token_file"]),
        operators_command=tuple(d["operators"]["command"]),
        operators_directory=Path(d["operators"]["directory"]),
        trust_env=False,
    )
