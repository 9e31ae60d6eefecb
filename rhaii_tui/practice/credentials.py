"""The dummy credentials of one practice cloud, fresh per start: nothing in them opens anything but this cloud."""

from __future__ import annotations

import base64
import json
import os
import secrets
import string
from pathlib import Path

_ALPHANUMERIC = string.ascii_letters + string.digits

_PLUGIN = """#!/bin/sh
# Stands in for gke-gcloud-auth-plugin: hands kubectl the practice cloud's token.
if [ "$1" = --version ]; then echo "Kubernetes v1.30.0-practice"; exit 0; fi
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"%s"}}\\n' \\
  "$(cat TOKEN_FILE)"
"""


def write_private(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file that only this user can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w") as out:
        out.write(text)
    draft.replace(path)
    return path


def new_token() -> str:
    """An access token in the shape of Google's."""
    return "ya29.practice-" + secrets.token_urlsafe(24)


def write_pull_secret(folder: Path) -> Path:
    """A Secret manifest as downloaded from registry.redhat.io's service account page."""
    password = secrets.token_urlsafe(24)
    auth = base64.b64encode(f"12345678|practice:{password}".encode()).decode()
    config = base64.b64encode(json.dumps({"auths": {"registry.redhat.io": {"auth": auth}}}).encode()).decode()
    return write_private(
        folder / "pull-secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: 12345678-practice-pull-secret\n"
        f"data:\n  .dockerconfigjson: {config}\ntype: kubernetes.io/dockerconfigjson\n",
    )


def write_hf_token(folder: Path) -> Path:
    """A file with one Hugging Face access token."""
    token = "hf_" + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(34))
    return write_private(folder / "hf-token", token + "\n")


def write_auth_plugin(folder: Path, token_file: Path) -> Path:
    """The credential plugin that the kubeconfig written by `gcloud … get-credentials` calls; returns its folder."""
    programs = folder / "bin"
    programs.mkdir(mode=0o700, exist_ok=True)
    quoted = "'" + str(token_file).replace("'", "'\\''") + "'"
    write_private(programs / "gke-gcloud-auth-plugin", _PLUGIN.replace("TOKEN_FILE", quoted), 0o700)
    return programs
