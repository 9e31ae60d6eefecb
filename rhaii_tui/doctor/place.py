"""Which deployment is looked at: a run's target, or a service found in any cluster."""

from __future__ import annotations

from dataclasses import dataclass

from rhaii_tui.catalog.target import Target

_NAMES = ("namespace", "service", "project", "zone", "cluster")


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

    def is_at(self, other: Place) -> bool:
        """Whether both are the same service of the same cluster."""
        return all(getattr(self, name) == getattr(other, name) for name in _NAMES)

    @property
    def on_google(self) -> bool:
        """Whether Google can be asked about the cluster."""
        return bool(self.project and self.zone and self.cluster)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}"
