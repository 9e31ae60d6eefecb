"""The environment in which gcloud and kubectl reach the practice cloud and nothing else."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

from rhaii_tui.practice.credentials import write_private
from rhaii_tui.practice.world import PROJECT

_SERVICES = ("CONTAINER", "SERVICEUSAGE", "CLOUDRESOURCEMANAGER", "CLOUDQUOTAS", "CLOUDBILLING")


_YEAR = 365 * 24 * 3600.0


def prepare_gcloud(folder: Path) -> Path:
    """gcloud's private configuration. It knows already that this is no Google machine, else it would ask the network.

    (core/credentials/gce_cache.py: the answer is kept in the file `gce` and believed for a while after its time stamp.)
    """
    configuration = folder / "gcloud"
    configuration.mkdir(mode=0o700)
    answer = write_private(configuration / "gce", "False")
    later = time.time() + _YEAR
    os.utime(answer, (later, later))
    return configuration


def variables(google: str, configuration: Path, kubeconfig: Path, programs: Path) -> dict[str, str]:
    """Name -> value. Credentials are switched off in gcloud: the practice Google APIs ask for none."""
    loopback = "127.0.0.1,localhost"
    overrides = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service}": f"{google}/" for service in _SERVICES}
    return {
        "CLOUDSDK_CONFIG": str(configuration),
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "true",
        **overrides,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE": f"{google}/compute/v1/",
        "KUBECONFIG": str(kubeconfig),
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def as_exports(values: dict[str, str]) -> str:
    """Lines for `. env_file`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
