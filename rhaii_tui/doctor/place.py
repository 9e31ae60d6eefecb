"""Which deployment is looked at: a run's target, or a service found in any cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rhaii_tui.catalog.target import Target

_CONTEXT = re.compile(r"^gke_(?P<project>[^_]+)_(?P<zone>[^_]+)_(?P<cluster>.+)$")


@dataclass(frozen=True, slots=True)
class Place:
    """`namespace/service`, and where Google keeps it as far as that is known (empty texts where not).

    `target` is the run's wish when a run made it; `under_way`: a setup is still working on it, so that what is not
    there yet is no fault.
    """

    namespace: str
    service: str
    project: str = ""
    zone: str = ""
    cluster: str = ""
    pool: str = ""
    target: Target | None = None
    under_way: bool = False

    @classmethod
    def of(cls, target: Target, *, under_way: bool = False) -> Place:
        """The place of a run's target."""
        return cls(
            namespace=target.namespace,
            service=target.service,
            project=target.project,
            zone=target.zone,
            cluster=target.cluster,
            pool=target.pool,
            target=target,
            under_way=under_way,
        )

    @classmethod
    def of_context(cls, context: str, namespace: str, service: str) -> Place:
        """A service in the cluster of a kubeconfig's context; gcloud's context names tell project, zone and cluster."""
        if found := _CONTEXT.match(context):
            return cls(namespace, service, found["project"], found["zone"], found["cluster"])
        return cls(namespace, service)

    @property
    def on_google(self) -> bool:
        """Whether Google can be asked about the cluster."""
        return bool(self.project and self.zone and self.cluster)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}"
