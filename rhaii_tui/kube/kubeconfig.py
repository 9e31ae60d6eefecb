"""A kubeconfig's context as a connection. The official loader reads it; exec plugins are run by us, in words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rhaii_tui.kube.credentials import Credentials, ExecPlugin, FixedToken, NoToken
from rhaii_tui.kube.errors import CredentialsFailed

_GKE = re.compile(r"^gke_(?P<project>[^_]+)_(?P<zone>[^_]+)_(?P<cluster>.+)$")


def load(path: Path, context: str | None) -> tuple[Callable[[], Any], Credentials]:
    """A builder of the package's Configuration and the source of its tokens. Blocking: call it in a thread.

    Raises CredentialsFailed with the file, the context or the setting that is the trouble.
    """
    try:
        config = yaml.safe_load(path.read_text())
        name = context or config["current-context"]
        chosen = _named(config, "contexts", name)["context"]
        cluster = _named(config, "clusters", chosen["cluster"])["cluster"]
        user = _named(config, "users", chosen["user"])["user"] if chosen.get("user") else {}
    except OSError as e:
        raise CredentialsFailed(f"The kubeconfig {path} cannot be read: {e.strerror}.", "Check the path.") from e
    except yaml.YAMLError as e:
        raise CredentialsFailed(f"The kubeconfig {path} is not YAML.", "Write it anew with gcloud.") from e
    except (KeyError, TypeError) as e:
        raise CredentialsFailed(
            f"The kubeconfig {path} has no usable context: {e}.", "List them: kubectl config get-contexts"
        ) from e
    if cluster.get("insecure-skip-tls-verify"):
        raise CredentialsFailed(
            f"The kubeconfig context {name} switches TLS verification off.",
            "Give its cluster a certificate-authority instead; connections are always verified here.",
        )
    plugin = user.pop("exec", None)

    def build() -> Any:
        from kubernetes.aio.client.configuration import Configuration
        from kubernetes.aio.config.kube_config import KubeConfigLoader

        configuration = Configuration()
        loader = KubeConfigLoader(config, active_context=name, config_base_path=str(path.parent))
        asyncio.run(loader.load_and_set(configuration))
        return configuration

    if plugin:
        shown = {k: v for k, v in cluster.items() if k in ("server", "certificate-authority-data", "tls-server-name")}
        return build, ExecPlugin(plugin, shown)
    if token := user.get("token"):
        return build, FixedToken(str(token))
    return build, NoToken()


def gke_names(context: str) -> tuple[str, str, str]:
    """Project, location and cluster that gcloud has put into a context's name; empty texts for another name."""
    found = _GKE.match(context)
    return (found["project"], found["zone"], found["cluster"]) if found else ("", "", "")


def current_context(path: Path) -> str:
    """Name of the context that kubectl would use; empty when the file does not tell. Blocking, reads one small file."""
    try:
        return str(yaml.safe_load(path.read_text())["current-context"] or "")
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return ""


def _named(config: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    for entry in config.get(section) or []:
        if entry["name"] == name:
            return dict(entry)
    raise KeyError(f"{section} has no {name!r}")
