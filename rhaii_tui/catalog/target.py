"""The deployment a user wants, fully resolved: the input of a plan."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology

_NAME = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"


class Target(BaseModel):
    """Everything a run needs to know. Secrets are named by file, never by value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: Accelerator
    topology: Topology
    project: str = Field(pattern=r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$")
    zone: str = Field(pattern=r"^[a-z]+-[a-z]+[0-9]-[a-z]+[0-9]*[a-z]?$")
    cluster: str = Field(pattern=_NAME)
    pool: str = Field(pattern=_NAME)
    namespace: str = Field(pattern=_NAME)
    service: str = Field(pattern=_NAME)
    replicas: int = Field(ge=1, le=16)
    model: str
    image: str
    provisioning: str = "on-demand"
    pull_secret_file: Path | None = None
    hf_token_file: Path | None = None
    operators_directory: Path | None = None

    @property
    def shape(self) -> Shape:
        """Accelerator and topology together."""
        return Shape(self.accelerator, self.topology)

    @property
    def region(self) -> str:
        """The zone's region."""
        return self.zone.rsplit("-", 1)[0]
