"""A deployment made with gcloud and kubectl alone, by people with names of their own: no journal knows it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from base64 import b64decode
from typing import Any

import yaml
from practice_process import Practice

CLUSTER, ZONE, POOL = "ml-cluster", "us-central1-c", "t4s"
SERVICE, NAMESPACE = "chatty", "ml-team"
AT = ("--zone", ZONE)

GATEWAY = """
apiVersion: v1
kind: ConfigMap
metadata: {name: edge-config, namespace: infra}
data:
  deployment: |
    spec:
      template:
        spec:
          imagePullSecrets: [{name: redhat-pull-secret}]
          containers:
            - name: istio-proxy
              volumeMounts: [{name: ca, mountPath: /var/run/secrets/opendatahub, readOnly: true}]
          volumes: [{name: ca, configMap: {name: our-ca}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra, labels: {team: web}}
spec:
  gatewayClassName: istio
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
  infrastructure:
    parametersRef: {group: "", kind: ConfigMap, name: edge-config}
"""
LLM = """
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata:
  labels: {team: ml}
  annotations: {serving.kserve.io/storageSecretName: hub}
spec:
  model: {uri: "hf://Qwen/Qwen2.5-3B-Instruct"}
  router: {route: {}, gateway: {refs: [{name: edge, namespace: infra}]}, scheduler: {}}
  template:
    imagePullSecrets: [{name: our-pull-secret}]
    tolerations: [{operator: Exists}]
    nodeSelector: {team: ml}
    containers:
      - name: main
        image: registry.redhat.io/rhaiis/vllm-cuda-rhel9:3.2.5
        command: [vllm, serve, /mnt/models]
        args: [--served-model-name=house-model, --port=8000, --dtype=half, --max-model-len=4096,
               --ssl-certfile=/var/run/kserve/tls/tls.crt, --ssl-keyfile=/var/run/kserve/tls/tls.key]
        startupProbe: {httpGet: {path: /health, port: 8000, scheme: HTTPS}, periodSeconds: 10, failureThreshold: 180}
        livenessProbe: {httpGet: {path: /health, port: 8000, scheme: HTTPS}, timeoutSeconds: 30, failureThreshold: 9}
        resources: {limits: {nvidia.com/gpu: "1"}, requests: {nvidia.com/gpu: "1"}}
"""


class Hands:
    """What a person does at a shell in front of the practice cloud."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice
        self.environ = practice.gcloud_environ()

    def run(self, *words: str, text: str = "") -> str:
        """Standard output of a program that must succeed."""
        done = subprocess.run(words, env=self.environ, input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stdout

    def kubectl(self, *words: str, text: str = "") -> str:
        """In the newest cluster."""
        return self.run("kubectl", *words, text=text)

    def google(self, path: str) -> Any:
        """What Google's API says: gcloud takes a second to look."""
        with urllib.request.urlopen(f"{self._practice.line['google']}/v1/projects/practice-project{path}") as answer:
            return json.load(answer)

    def cluster(self) -> None:
        """A cluster, a pool of two T4 nodes with a label of the team's, and the operators."""
        self.run("gcloud", "container", "clusters", "create", CLUSTER, *AT, "--num-nodes", "2", "--machine-type",
                 "e2-standard-4", "--labels", "team=ml", "--async")  # fmt: skip
        while self.google(f"/locations/{ZONE}/clusters/{CLUSTER}")["status"] != "RUNNING":
            pass
        self.run("gcloud", "container", "clusters", "get-credentials", CLUSTER, *AT)
        self.run("gcloud", "container", "node-pools", "create", POOL, "--cluster", CLUSTER, *AT, "--machine-type",
                 "n1-standard-4", "--accelerator", "type=nvidia-tesla-t4,count=1,gpu-driver-version=default",
                 "--num-nodes", "2", "--node-labels", "team=ml", "--async")  # fmt: skip
        self.run(sys.executable, "-m", "rhaii_tui.practice.xks", "deploy-all")

    def gateway(self) -> None:
        """A gateway of another name, in another namespace, with the CA under another name."""
        self.kubectl("create", "namespace", "infra")
        held = json.loads(self.kubectl("-n", "cert-manager", "get", "secret", "opendatahub-ca", "-o", "json"))["data"]
        bundle = b64decode(held["ca.crt"]).decode()
        self.kubectl("-n", "infra", "create", "configmap", "our-ca", f"--from-literal=ca.crt={bundle}")
        secret = json.loads(self.kubectl("-n", "istio-system", "get", "secret", "redhat-pull-secret", "-o", "json"))
        self.apply(secret, name="redhat-pull-secret", namespace="infra")
        self.kubectl("apply", "-f", "-", text=GATEWAY)

    def service(self, name: str, namespace: str, replicas: int = 1, **more: Any) -> None:
        """A service in a namespace of its own. `more` are further fields of its spec."""
        self.kubectl("create", "namespace", namespace)
        with open(self._practice.descriptor["pull_secret_file"]) as file:
            self.apply(yaml.safe_load(file), name="our-pull-secret", namespace=namespace)
        token = f"--from-file=HF_TOKEN={self._practice.descriptor['hf_token_file']}"
        self.kubectl("-n", namespace, "create", "secret", "generic", "hub", token)
        manifest = yaml.safe_load(LLM)
        manifest["spec"] |= {"replicas": replicas, **more}
        self.apply(manifest, name=name, namespace=namespace)

    def apply(self, manifest: dict[str, Any], *, name: str, namespace: str) -> None:
        """A manifest under another name, without the traces of where it was read."""
        kept = {k: v for k, v in manifest["metadata"].items() if k in ("labels", "annotations")}
        manifest["metadata"] = kept | {"name": name, "namespace": namespace}
        manifest.pop("status", None)
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump(manifest))

    def await_ready(self, name: str, namespace: str) -> None:
        """Until KServe says so."""
        self.kubectl("-n", namespace, "wait", f"llmisvc/{name}", "--for=condition=Ready", "--timeout=60s")
