"""The lines a person could type instead of each step: exact, and never with a secret in them."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from rhaii_tui.catalog.shapes import Accelerator
from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints

Line = tuple[str, str]
"""The text to type, and why."""


APPLY = "kubectl apply --server-side --field-manager=rhaii-tui --validate=strict -f -"


def lines(target: Target, endpoints: Endpoints) -> dict[str, tuple[Line, ...]]:
    """By step id. Secrets are named by file, as `target` does."""
    where = f"--project {target.project} --zone {target.zone}"
    here = f"-n {target.namespace}"

    def by_hand(part: str) -> str:
        return f"rhaii-tui manifests {part} {_flags(target)}"

    return {
        "apis": (
            (f"gcloud services enable container.googleapis.com compute.googleapis.com --project {target.project}", ""),
        ),
        "cluster": (
            (
                f"gcloud container clusters create {target.cluster} {where} --release-channel regular "
                f"--machine-type e2-standard-4 --num-nodes 2 --disk-size 50 --disk-type pd-balanced --enable-ip-alias "
                f"--enable-dataplane-v2 --workload-pool {target.project}.svc.id.goog "
                f"--scopes cloud-platform --labels managed-by=rhaii-tui",
                "two CPU nodes for the operators and the gateway; no accelerator yet",
            ),
        ),
        "pool": (_pool(target, where),),
        "accelerators": (
            (
                f"kubectl get nodes -l cloud.google.com/gke-nodepool={target.pool} "
                f"-o custom-columns='NAME:.metadata.name,ALLOCATABLE:.status.allocatable.{_resource(target)}' -w",
                "Ready nodes must show the accelerator as allocatable",
            ),
        ),
        "connect": (
            (f"gcloud container clusters get-credentials {target.cluster} {where}", ""),
            ("kubectl auth whoami", ""),
        ),
        "operators": _operators(endpoints, target),
        "gateway": _gateway(by_hand),
        "namespace": ((f"{by_hand('namespace')} | {APPLY}", "without an istio-injection label"),),
        "secrets": _secrets(target),
        "service": (
            (f"{by_hand('service')} | {APPLY} --dry-run=server", "every field is checked before anything is created"),
            (f"{by_hand('service')} | {APPLY}", ""),
        ),
        "replicas": (
            (
                f"kubectl get pods {here} -l app.kubernetes.io/name={target.service},kserve.io/component=workload -w",
                "",
            ),
            (f"kubectl logs {here} deployment/{target.service}-kserve -c main -f", ""),
        ),
        "routes": (
            (f"kubectl wait {here} llmisvc/{target.service} --for=condition=RouterReady --timeout=300s", ""),
            (f"kubectl get {here} httproute,inferencepool", ""),
        ),
        "routing": (
            (
                f"kubectl get {here} httproute/{target.service}-kserve-route -o yaml | "
                f"{by_hand('body-forwarding')} --http-route - | {APPLY}",
                "only where a request does not reach the endpoint picker",
            ),
        ),
        "policies": ((f"{by_hand('policies')} | {APPLY}", ""),),
        "verify": (
            (f"URL=$(kubectl get {here} llmisvc/{target.service} -o jsonpath='{{.status.url}}')", ""),
            ('curl -s "$URL/health" && curl -s "$URL/v1/models"', ""),
            (
                f'curl -s "$URL/v1/completions" -H "Content-Type: application/json" '
                f'-d \'{{"model": "{target.model}", "prompt": "The capital of France is", "max_tokens": 8}}\'',
                "a 200 with text",
            ),
        ),
    }


def _resource(target: Target) -> str:
    return r"nvidia\.com/gpu" if target.accelerator is Accelerator.GPU_T4 else r"google\.com/tpu"


def _pool(target: Target, where: str) -> Line:
    prices = {"spot": " --spot", "flex-start": " --flex-start"}.get(target.provisioning, "")
    common = f"gcloud container node-pools create {target.pool} --cluster {target.cluster} {where}"
    if target.accelerator is Accelerator.GPU_T4:
        return (
            f"{common} --machine-type n1-standard-4 "
            f"--accelerator type=nvidia-tesla-t4,count=1,gpu-driver-version=default "
            f"--num-nodes {target.replicas} --disk-size 100 --disk-type pd-balanced --scopes cloud-platform{prices}",
            "one T4 for each replica",
        )
    return (
        f"{common} --machine-type ct6e-standard-4t --num-nodes {target.replicas} "
        f"--node-locations {target.zone} --scopes cloud-platform{prices}",
        "four v6e chips (2x2) for each replica; a single-host pool takes no --tpu-topology",
    )


def _operators(endpoints: Endpoints, target: Target) -> tuple[Line, ...]:
    directory = target.operators_directory or endpoints.operators_directory
    command = shlex.join(endpoints.operators_command)
    text = f"cd {shlex.quote(str(directory))} && {command}" if directory else f"cd rhaii-on-xks && {command}"
    return (
        (text, "cert-manager, Istio, LWS and KServe of the EA1 stack; needs KUBECONFIG"),
        ("kubectl get deployments -A", "every Deployment of the stack must be Available"),
    )


def _flags(target: Target) -> str:
    """All that the documents depend on, said outright: the line means the same on another machine."""
    short = "gpu" if target.accelerator is Accelerator.GPU_T4 else "tpu"
    said = {
        "accelerator": short,
        "topology": target.topology,
        "project": target.project,
        "zone": target.zone,
        "namespace": target.namespace,
        "service": target.service,
        "replicas": target.replicas,
        "model": target.model,
        "image": target.image,
    }
    text = " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in said.items())
    return text if target.hf_token_file else f"{text} --no-hub-token"


def _gateway(by_hand: Callable[[str], str]) -> tuple[Line, ...]:
    forget = '{"metadata":{"namespace":"opendatahub","uid":null,"resourceVersion":null,"managedFields":null}}'
    return (
        (
            "kubectl -n cert-manager get secret opendatahub-ca -o jsonpath='{.data.ca\\.crt}' | base64 -d > ca.crt && "
            "kubectl -n opendatahub create configmap odh-ca-bundle --from-file=ca.crt",
            "the CA that the gateway verifies replicas by; public",
        ),
        (
            "kubectl -n istio-system get secret redhat-pull-secret -o yaml | "
            f"kubectl patch --local -f - --type=merge -p '{forget}' -o yaml | {APPLY}",
            "the gateway's own image comes from registry.redhat.io",
        ),
        (f"{by_hand('gateway')} | {APPLY}", ""),
        ("kubectl -n opendatahub wait gateway/inference-gateway --for=condition=Programmed --timeout=300s", ""),
    )


def _pull_secret(target: Target) -> Line:
    file = target.pull_secret_file
    pull, why = shlex.quote(str(file or "PULL_SECRET_FILE")), "the login for registry.redhat.io"
    if file is not None and file.suffix in (".yaml", ".yml"):
        renamed = f'{{"metadata":{{"name":"rhaiis-pull-secret","namespace":"{target.namespace}"}}}}'
        return f"kubectl patch --local -f {pull} --type=merge -p '{renamed}' -o yaml | {APPLY}", why
    return (
        f"kubectl create secret generic rhaiis-pull-secret -n {target.namespace} "
        f"--type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson={pull}",
        why,
    )


def _secrets(target: Target) -> tuple[Line, ...]:
    if target.hf_token_file is None:
        return (_pull_secret(target),)
    token = shlex.quote(str(target.hf_token_file))
    return (
        _pull_secret(target),
        (
            f"kubectl create secret generic huggingface-token -n {target.namespace} --from-file=token={token} "
            f"--from-file=HF_TOKEN={token}",
            "the model download reads the key HF_TOKEN, the guides' own examples the key token",
        ),
    )
