"""A small Kubernetes client over urllib: verified TLS, server-side apply, patience with a restarting API server."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

import yaml

Obj = dict[str, Any]

# Wall seconds: one request; the longest weather the API server may have; the pause between two looks at it.
TIMEOUT, PATIENCE, PAUSE = 20.0, 300.0, 0.25

# Plural and group of the kinds that are not `kind.lower() + "s"`.
_PLURALS = {"GatewayClass": "gatewayclasses", "LLMInferenceService": "llminferenceservices", "Istio": "istios"}
_CLUSTER_WIDE = {
    "ClusterIssuer",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "GatewayClass",
    "Istio",
    "Namespace",
    "ValidatingWebhookConfiguration",
}


class Refused(Exception):
    """The API server's answer when it was no. `code` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {code})")
        self.code = code


class Client:
    """Speaks to one cluster. The bearer token never leaves the Authorization header."""

    def __init__(self, server: str, context: ssl.SSLContext, token: Callable[[], str]) -> None:
        self._server = server.rstrip("/")
        self._token = token
        # Loopback and the cluster's own address are never behind the proxies of the environment.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    @classmethod
    def from_kubeconfig(cls, path: Path) -> Client:
        """The current context. Raises KeyError or ValueError for a file that is no kubeconfig."""
        config = yaml.safe_load(path.read_text())
        if not isinstance(config, dict):
            raise ValueError(f"{path} is no kubeconfig")
        chosen = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == chosen["cluster"])
        user = next(u["user"] for u in config["users"] if u["name"] == chosen["user"])
        if "certificate-authority-data" in cluster:
            context = ssl.create_default_context(
                cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
            )
        else:
            context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        return cls(cluster["server"], context, _token_of(user))

    def call(self, method: str, path: str, body: Obj | None = None, *, media: str = "application/json") -> Obj:
        """One request; 429, 503 and broken connections are tried again. Raises Refused, TimeoutError."""
        until, pause = time.monotonic() + PATIENCE, PAUSE / 5
        while True:
            try:
                return self._once(method, path, body, media)
            except Refused as refused:
                if refused.code not in (429, 503) or time.monotonic() > until:
                    raise
            except (OSError, HTTPException) as error:
                if time.monotonic() > until:
                    raise TimeoutError(f"the API server does not answer: {error}") from error
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)

    def _once(self, method: str, path: str, body: Obj | None, media: str) -> Obj:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server + path, data, method=method)
        request.add_header("Authorization", f"Bearer {self._token()}")
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", media)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                found: Obj = json.loads(answer.read())
                return found
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            try:
                message = str(json.loads(text)["message"])
            except (ValueError, KeyError, TypeError):
                message = error.reason
            raise Refused(error.code, message) from None

    def get(self, obj: Obj) -> Obj | None:
        """What the cluster holds under the name of `obj`."""
        try:
            return self.call("GET", path_of(obj))
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def apply(self, obj: Obj) -> Obj:
        """Server-side apply as helm's field manager. A webhook that is not up yet is asked again, 12 times."""
        for attempt in range(12):
            try:
                path = f"{path_of(obj)}?fieldManager=helm&force=true"
                return self.call("PATCH", path, obj, media="application/apply-patch+yaml")
            except Refused as refused:
                if "failed calling webhook" not in str(refused) or attempt == 11:
                    raise
                print(f"  webhook not ready, retry {attempt + 1}/12", flush=True)
                time.sleep(PAUSE * 4)
        raise AssertionError("unreachable")

    def delete(self, obj: Obj) -> None:
        """Delete in the background; what is gone is fine."""
        try:
            self.call("DELETE", path_of(obj))
        except Refused as refused:
            if refused.code != 404:
                raise

    def items(self, api_version: str, kind: str) -> list[Obj]:
        """All objects of a kind; none when the kind is unknown."""
        try:
            found = self.call("GET", _collection(api_version, kind))
        except Refused as refused:
            if refused.code == 404:
                return []
            raise
        return [{"apiVersion": api_version, "kind": kind, **o} for o in found["items"]]

    def wait(self, obj: Obj, good: Callable[[Obj | None], bool], what: str) -> None:
        """Until the object is good. Raises TimeoutError after the patience of a helm wait (`$XKS_WAIT`, 600 s)."""
        until = time.monotonic() + float(os.environ.get("XKS_WAIT", "600"))
        while not good(self.get(obj)):
            if time.monotonic() > until:
                raise TimeoutError(f"timed out waiting for {what}")
            time.sleep(PAUSE)


def _token_of(user: Obj) -> Callable[[], str]:
    """The bearer token of a kubeconfig's user, read anew each time; gcloud writes users whose token a program prints.

    Raises KeyError for a user without one. Asking raises ValueError when the program fails.
    """
    if file := user.get("tokenFile"):
        return lambda: Path(file).read_text().strip()
    if plugin := user.get("exec"):
        command = [plugin["command"], *(plugin.get("args") or ())]
        extra = {e["name"]: e["value"] for e in plugin.get("env") or ()}

        def ask() -> str:
            try:
                done = subprocess.run(command, env={**os.environ, **extra}, stdout=subprocess.PIPE, check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise ValueError(f"no token: {error}") from error
            return str(json.loads(done.stdout)["status"]["token"])

        return ask
    token = str(user["token"])
    return lambda: token


def _collection(api_version: str, kind: str, namespace: str | None = None) -> str:
    root = "/apis/" if "/" in api_version else "/api/"
    plural = _PLURALS.get(kind, kind.lower() + "s")
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{api_version}{place}/{plural}"


def path_of(obj: Obj) -> str:
    """Where one object lives."""
    kind, meta = obj["kind"], obj["metadata"]
    namespace = None if kind in _CLUSTER_WIDE else meta.get("namespace", "default")
    return f"{_collection(obj['apiVersion'], kind, namespace)}/{meta['name']}"
