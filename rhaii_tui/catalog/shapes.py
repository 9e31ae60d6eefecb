"""The six shapes on offer: an accelerator and a topology. Pure facts of what each one runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Accelerator(StrEnum):
    """What the replicas compute on; the value is the name used in output."""

    GPU_T4 = "gpu-t4"
    TPU_V6E = "tpu-v6e"


class Topology(StrEnum):
    """single: one replica, no endpoint picker. baseline: one replica behind the endpoint picker.
    scale-out: several replicas behind the endpoint picker, prefix-cache-aware routing."""

    SINGLE = "single"
    BASELINE = "baseline"
    SCALE_OUT = "scale-out"


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """One column of the decision screen."""

    accelerator: Accelerator
    topology: Topology

    @property
    def id(self) -> str:
        """`gpu-t4-scale-out` and so on."""
        return f"{self.accelerator}-{self.topology}"

    @property
    def replicas(self) -> int:
        """The default number of replicas (deployment guides: 1, 1 and 3)."""
        return 3 if self.topology is Topology.SCALE_OUT else 1

    @property
    def routed(self) -> bool:
        """True where an endpoint picker decides; only with more than one replica is there anything to prove."""
        return self.topology is not Topology.SINGLE


SHAPES: tuple[Shape, ...] = tuple(Shape(a, t) for a in Accelerator for t in Topology)
