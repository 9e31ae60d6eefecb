"""Images on the nodes: how long a pull takes, who may pull, and the runtime's words when it fails."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.objects import Obj

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

PRIVATE = "registry.redhat.io"
_ENGINE = re.compile(r"registry\.redhat\.io/(rhaiis|rhaii)/vllm-(cuda|tpu)-rhel9(:3\.\d+\.\d+|@sha256:[0-9a-f]{64})$")


class PullFailed(Exception):
    """The runtime's own text of a failed pull."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """`seconds` are cloud seconds of the pull; None when the node had the image already."""

    seconds: float | None
    size: int


def is_engine(image: str) -> bool:
    """An image that serves a model with vLLM."""
    return "vllm" in image.rsplit("/", 1)[-1]


class Images:
    """What every node of one cluster has pulled. Two pulls of one image on one node share the work."""

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        self._world = world
        self._cluster = cluster
        self._have: dict[str, set[str]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    def forget(self, node: str) -> None:
        """The node is gone, and its disk with it."""
        self._have.pop(node, None)

    def present(self, node: str, image: str) -> bool:
        """Whether the node has the image."""
        if is_engine(image) and self._world.faults.struck("pull-secret-bad", "node", node):
            return False
        return image in self._have.get(node, ())

    async def pull(self, pod: Obj, image: str) -> Pulled:
        """Bring an image to the pod's node. Raises PullFailed."""
        node = str(pod["spec"]["nodeName"])
        size, usual = _weight(image)
        async with self._locks.setdefault((node, image), asyncio.Lock()):
            if self.present(node, image):
                await self._world.clock.sleep(0.5)
                return Pulled(0.5, size)
            self._admit(pod, image)
            seconds = usual * self._world.rng.uniform(0.93, 1.07)
            await self._world.clock.sleep(seconds)
            self._admit(pod, image)
            self._have.setdefault(node, set()).add(image)
            return Pulled(seconds, size)

    def _admit(self, pod: Obj, image: str) -> None:
        host = image.split("/", 1)[0]
        head = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": '
        if host.endswith(".invalid"):
            raise PullFailed(
                f'{head}failed to do request: Head "https://{host}/v2/": dial tcp: lookup {host}: no such host'
            )
        if host != PRIVATE:
            return
        logins = self._good_logins(pod)
        # The login that comes first is the one that no longer counts; a new one does.
        revoked = is_engine(image) and any(self._world.faults.claims("pull-secret-bad", "login", one) for one in logins)
        if revoked or not logins:
            token = f"https://{PRIVATE}/auth/realms/rhcc/protocol/redhat-docker-v2/auth?scope=repository%3A"
            raise PullFailed(
                f"{head}failed to authorize: failed to fetch oauth token: unexpected status from GET request to {token}"
                f"{image.split('/', 1)[1].split(':')[0].replace('/', '%2F')}%3Apull&service=docker-registry: "
                "401 Unauthorized"
            )
        if is_engine(image) and not _ENGINE.match(image):
            raise PullFailed(f"{head}{image}: not found")

    def missing_secrets(self, pod: Obj) -> list[str]:
        """Names of pull secrets the pod lists and nobody created."""
        return [name for name, secret in self._pull_secrets(pod).items() if secret is None]

    def _pull_secrets(self, pod: Obj) -> dict[str, Obj | None]:
        namespace, store = pod["metadata"]["namespace"], self._cluster.store
        account = store.get("ServiceAccount", namespace, pod["spec"].get("serviceAccountName", "default"))
        names = [s["name"] for s in pod["spec"].get("imagePullSecrets") or ()]
        names += [s["name"] for s in (account or {}).get("imagePullSecrets") or ()]
        return {name: store.get("Secret", namespace, name) for name in names}

    def _good_logins(self, pod: Obj) -> list[str]:
        """The logins that the pod has for the private registry."""
        secrets = [s for s in self._pull_secrets(pod).values() if s]
        return [login for host, login in _logins(secrets) if host == PRIVATE or host.startswith(PRIVATE + "/")]


def _logins(secrets: Iterable[Obj]) -> Iterable[tuple[str, str]]:
    """Hosts and their usable logins, `USER:PASSWORD`, given as base64 `auth` or apart."""
    for secret in secrets:
        if secret.get("type") != "kubernetes.io/dockerconfigjson":
            continue
        try:
            config = json.loads(base64.b64decode((secret.get("data") or {}).get(".dockerconfigjson", "")))
            for host, entry in config["auths"].items():
                login = base64.b64decode(entry["auth"]).decode() if entry.get("auth") else ""
                login = login or f"{entry.get('username', '')}:{entry.get('password', '')}"
                user, _, password = login.partition(":")
                if user and password:
                    yield host.removeprefix("https://").rstrip("/"), login
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            continue


def _weight(image: str) -> tuple[int, float]:
    """Size in bytes and the usual cloud seconds of a first pull (vLLM 2-4 min, initializer 20 s)."""
    name = image.rsplit("/", 1)[-1]
    if "vllm-tpu" in name:
        return 6_214_083_712, 140.0
    if "vllm" in name:
        return 7_837_413_376, 165.0
    if "storage-initializer" in name:
        return 391_204_864, 19.0
    if image.startswith((PRIVATE, "ghcr.io/opendatahub-io/")):
        return 214_958_080, 26.0
    return 96_468_992, 7.0
