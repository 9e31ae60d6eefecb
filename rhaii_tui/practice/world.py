"""The state that the parts of the practice cloud share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.faults import Faults

if TYPE_CHECKING:
    from rhaii_tui.practice.google.gke import KubernetesEngine
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.traffic.gateway import Traffic

PROJECT = "practice-project"
PROJECT_NUMBER = "123456789012"


@dataclass
class World:
    """One practice cloud. `folder` holds its certificates, kubeconfig, descriptor and dummy secrets."""

    folder: Path
    clock: CloudClock
    token: str
    faults: Faults = field(default_factory=Faults)
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    clusters: dict[str, KubeCluster] = field(default_factory=dict)
    traffic: Traffic | None = None
    engine: KubernetesEngine | None = None
    gateway_url: str = ""
