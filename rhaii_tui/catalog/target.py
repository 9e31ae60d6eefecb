"""The deployment a user wants, fully resolved: the input of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rhaii_tui.catalog.shapes import Accelerator, Shape, Topology

_NAME = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_MODEL = r"^[A-Za-z0-9][-A-Za-z0-9_.:/@+]*$"
_IMAGE = r"^([a-z0-9][-\w.:/@]*)?$"


def _not_of_the_cluster(namespace: str) -> str:
    if namespace.startswith("kube-"):
        raise ValueError("namespaces that start with kube- belong to the cluster itself")
    return namespace


class Target(BaseModel):
    """Everything a run needs to know. Secrets are named by file, never by value.

    Names may be whatever Kubernetes takes, because others than we have made deployments too; what we make ourselves is
    held to narrower rules by the settings. `image` is empty where a preset of the cluster decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: Accelerator
    topology: Topology
    project: str = Field(pattern=r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$")
    zone: str = Field(pattern=r"^[a-z]+-[a-z]+[0-9]-[a-z]+[0-9]*[a-z]?$")
    cluster: str = Field(pattern=_NAME)
    pool: str = Field(pattern=_NAME)
    namespace: Annotated[str, Field(pattern=_LABEL), AfterValidator(_not_of_the_cluster)]
    service: str = Field(pattern=_LABEL)
    replicas: int = Field(ge=1, le=16)
    model: str = Field(pattern=_MODEL, max_length=255)
    image: str = Field(pattern=_IMAGE)
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
