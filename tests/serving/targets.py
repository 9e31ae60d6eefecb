"""Deployments to make manifests for."""

from __future__ import annotations

from typing import Any

from rhaii_tui.catalog.shapes import Accelerator, Shape
from rhaii_tui.catalog.target import Target


def target(shape: Shape, **changes: Any) -> Target:
    """A target whose every name differs from the defaults in the files."""
    gpu = shape.accelerator is Accelerator.GPU_T4
    values: dict[str, Any] = {
        "accelerator": shape.accelerator,
        "topology": shape.topology,
        "project": "some-project",
        "zone": "us-central1-a",
        "cluster": "some-cluster",
        "pool": "some-pool",
        "namespace": "team-a",
        "service": "chat",
        "replicas": shape.replicas,
        "model": "Qwen/Qwen2.5-1.5B-Instruct",
        "image": f"registry.redhat.io/rhaiis/vllm-{'cuda' if gpu else 'tpu'}-rhel9:3.2.5",
    }
    return Target(**(values | changes))
