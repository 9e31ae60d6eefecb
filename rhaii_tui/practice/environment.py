"""The environment in which gcloud and kubectl reach the practice cloud and nothing else."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from rhaii_tui.practice.world import PROJECT

_SERVICES = ("CONTAINER", "SERVICEUSAGE", "CLOUDRESOURCEMANAGER", "CLOUDQUOTAS", "CLOUDBILLING")


def variables(google: str, folder: Path, kubeconfig: Path, programs: Path) -> dict[str, str]:
    """Name -> value. Credentials are switched off in gcloud: the practice Google APIs ask for none."""
    loopback = "127.0.0.1,localhost"
    overrides = {f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service}": f"{google}/" for service in _SERVICES}
    return {
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
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
