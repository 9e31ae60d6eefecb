"""The practice cloud as its own two wires tell it, read with nothing of the product."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import yaml


class Running(Protocol):
    """A started practice cloud, as tests/conftest.py has it."""

    line: dict[str, Any]
    descriptor: dict[str, Any]
    environ: dict[str, str]


class Commands:
    """`rhaii-tui ... --practice --json` as programs of their own, beside a practice cloud."""

    def __init__(self, practice: Running) -> None:
        self.home = Path(practice.environ["RHAII_TUI_HOME"])
        self._environ = dict(os.environ, RHAII_TUI_HOME=str(self.home))

    def set_up(self, accelerator: str) -> None:
        """Three replicas of a service, proven to answer."""
        code, result, said = self.run(
            "setup", "--accelerator", accelerator, "--topology", "scale-out", "--yes", "--no-cache-test"
        )
        assert code == 0, (result, said)

    def run(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, last record and stderr. Stdin is closed: nothing may be asked."""
        done = subprocess.run(
            self._line(words), env=self._environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        lines = done.stdout.splitlines()
        return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr

    def killed(self, *words: str, at: Callable[[dict[str, Any]], bool]) -> str:
        """Run until an event, kill -9 there; the run's id."""
        process = subprocess.Popen(
            self._line(words), env=self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        seen: list[dict[str, Any]] = []
        for line in process.stdout:
            seen.append(json.loads(line))
            if at(seen[-1]):
                process.kill()
                break
        process.stdout.close()
        assert process.wait() == -9, seen[-1]
        return str(next(e["run"] for e in seen if e["type"] == "run"))

    def interrupted(self, *words: str, at: Callable[[dict[str, Any]], bool]) -> tuple[int, list[dict[str, Any]]]:
        """Run until an event, Ctrl-C there; the exit code and what is told from then on."""
        with subprocess.Popen(
            self._line(words), env=self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            next(line for line in process.stdout if at(json.loads(line)))
            process.send_signal(signal.SIGINT)
            rest = [json.loads(line) for line in process.stdout]
            return process.wait(30), rest

    @staticmethod
    def _line(words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "rhaii_tui", *words, "--practice", "--json"]


class Wire:
    """Plain HTTP with the cloud's own token."""

    def __init__(self, practice: Running) -> None:
        self._practice = practice
        self.project = str(practice.descriptor["project"])

    def google(self, method: str, path: str, body: object = None) -> Any:
        """A call below the Google address; None for a 404."""
        return self._call(method, f"{self._practice.descriptor['google']}{path}", body, None)

    def kube(self, cluster: str, method: str, path: str, body: object = None, kind: str = "application/json") -> Any:
        """A call to a cluster's API server; None for a 404."""
        config = yaml.safe_load(Path(self._practice.descriptor["kubeconfig"]).read_text())
        entry = next(c["cluster"] for c in config["clusters"] if c["name"].endswith(f"_{cluster}"))
        context = ssl.create_default_context(cadata=b64decode(entry["certificate-authority-data"]).decode())
        return self._call(method, entry["server"] + path, body, context, kind)

    def _call(
        self, method: str, url: str, body: object, context: ssl.SSLContext | None, kind: str = "application/json"
    ) -> Any:
        token = Path(self._practice.descriptor["token_file"]).read_text().strip()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)
        request.add_header("Authorization", f"Bearer {token}")
        request.add_header("Content-Type", kind)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with opener.open(request, timeout=20) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise AssertionError(f"{method} {url}: {error.code} {error.read()[:500]!r}") from error

    def fault(self, name: str, on: bool) -> None:
        """Switch a fault of the practice cloud."""
        self._call("POST", f"{self._practice.descriptor['control']}/faults/{name}", {"on": on}, None)

    def clusters(self) -> list[str]:
        """Names of all clusters."""
        found = self.google("GET", f"/v1/projects/{self.project}/locations/-/clusters")
        return sorted(c["name"] for c in found.get("clusters", []))

    def pool(self, zone: str, cluster: str, pool: str) -> dict[str, Any]:
        """A node pool as GKE shows it."""
        path = f"/v1/projects/{self.project}/locations/{zone}/clusters/{cluster}/nodePools/{pool}"
        found: dict[str, Any] = self.google("GET", path)
        return found

    def pool_size(self, zone: str, cluster: str, pool: str) -> int:
        """The target size of the pool's instance group."""
        url = self.pool(zone, cluster, pool)["instanceGroupUrls"][0]
        return int(self.google("GET", "/compute/v1" + url.partition("/compute/v1")[2])["targetSize"])

    def nodes(self, cluster: str, pool: str) -> list[str]:
        """Names of a pool's Node objects."""
        path = f"/api/v1/nodes?labelSelector=cloud.google.com/gke-nodepool={pool}"
        return [n["metadata"]["name"] for n in self.kube(cluster, "GET", path)["items"]]

    def replicas(self, cluster: str, namespace: str, service: str) -> list[dict[str, Any]]:
        """The service's replica pods."""
        path = f"/api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/name={service}"
        pods: list[dict[str, Any]] = self.kube(cluster, "GET", f"{path},kserve.io/component=workload")["items"]
        return pods

    def ready(self, cluster: str, namespace: str, service: str) -> int:
        """How many of them are ready and stay."""
        return sum(
            any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))
            and "deletionTimestamp" not in p["metadata"]
            for p in self.replicas(cluster, namespace, service)
        )


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for a condition of the cloud. Raises AssertionError after so many wall seconds."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.05)
