"""The manifests with a deployment's own values in them. The files stay the source; only named fields are replaced.

Same target, same documents: nothing here reads a clock, the environment or the network. Secrets are built from the
content of the user's files at the moment of applying and exist in no file of ours.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from typing import Any

import yaml

from rhaii_tui.catalog.target import Target
from rhaii_tui.serving import files
from rhaii_tui.serving.stack import EA1, Stack

PULL_SECRET = "rhaiis-pull-secret"
HUB_SECRET = "huggingface-token"
STORAGE_SECRET_ANNOTATION = "serving.kserve.io/storageSecretName"
MARKER_HEADER = "x-went-into-resp-headers"
"""Response header the endpoint picker sets on each answer it routed: the per-request proof that it was asked."""
UPSTREAM_HEADER = "x-rhaii-upstream"
"""Response header of the opt-in diagnostics filter: the pod's ip:port."""
LABELS = {"app.kubernetes.io/managed-by": "rhaii-tui"}

Document = dict[str, Any]


def documents(target: Target, stack: Stack = EA1, *, hub_token: bool = True) -> tuple[Document, ...]:
    """Everything applied without conditions and without secrets, in order: namespace, gateway, service."""
    return (namespace(target), *gateway(stack), service(target, hub_token=hub_token))


def namespace(target: Target) -> Document:
    """The workload's Namespace."""
    (doc,) = files.read("namespace.yaml")
    doc["metadata"]["name"] = target.namespace
    return doc


def pull_secret(target: Target, docker_config: bytes) -> Document:
    """The registry credentials for the engine image, from a Docker `config.json`, podman `auth.json` or Secret YAML.

    Of several registries' credentials only those of the image's own registry enter the cluster.
    Raises ValueError, without any of the content, when it is none of these.
    """
    return _secret(
        target,
        PULL_SECRET,
        "kubernetes.io/dockerconfigjson",
        {".dockerconfigjson": _auths(docker_config, target.image)},
    )


def hub_secret(target: Target, token: str) -> Document:
    """The Hugging Face token under both keys: KServe's download reads HF_TOKEN, upstream's own examples `token`.

    Raises ValueError for an empty token or one with white space inside.
    """
    value = token.strip()
    if not value or any(c.isspace() for c in value):
        raise ValueError("the Hugging Face token file must hold one token and nothing else")
    return _secret(target, HUB_SECRET, "Opaque", {"HF_TOKEN": value.encode(), "token": value.encode()})


def ca_bundle(stack: Stack, ca_pem: bytes) -> Document:
    """ConfigMap with the inference CA's public certificate, mounted into the gateway."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": stack.ca_bundle, "namespace": stack.gateway_namespace, "labels": dict(LABELS)},
        "data": {"ca.crt": ca_pem.decode("ascii")},
    }


def ca_certificate(ca_secret: Document) -> bytes:
    """PEM of the CA in its Secret: `ca.crt`, else `tls.crt`. Raises ValueError when neither is there."""
    data = ca_secret.get("data") or {}
    for key in ("ca.crt", "tls.crt"):
        if value := data.get(key):
            return base64.b64decode(value)
    raise ValueError(f"Secret {ca_secret['metadata']['name']} holds neither ca.crt nor tls.crt")


def copied_secret(secret: Document, to_namespace: str) -> Document:
    """A Secret for another namespace, with nothing of the original's identity."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret["metadata"]["name"], "namespace": to_namespace, "labels": dict(LABELS)},
        "type": secret.get("type", "Opaque"),
        "data": dict(secret.get("data") or {}),
    }


def gateway(stack: Stack = EA1) -> tuple[Document, ...]:
    """ConfigMap of the gateway's patches and the Gateway; the CA bundle comes before them."""
    config, gate = files.read("gateway.yaml")
    config["metadata"] |= {"name": stack.gateway_config, "namespace": stack.gateway_namespace}
    config["data"]["deployment"] = (
        config["data"]["deployment"]
        .replace(EA1.ca_bundle, stack.ca_bundle)
        .replace(EA1.operator_pull_secret, stack.operator_pull_secret)
    )
    gate["metadata"] |= {"name": stack.gateway, "namespace": stack.gateway_namespace}
    gate["spec"]["gatewayClassName"] = stack.gateway_class
    gate["spec"]["infrastructure"]["parametersRef"]["name"] = stack.gateway_config
    return config, gate


def service(target: Target, *, hub_token: bool = True) -> Document:
    """The LLMInferenceService of the target's shape. `hub_token` False: no token Secret exists, so none is named."""
    (doc,) = files.read(f"llminferenceservice/{target.shape.id}.yaml")
    meta, spec = doc["metadata"], doc["spec"]
    meta |= {"name": target.service, "namespace": target.namespace}
    if not hub_token:
        del meta["annotations"][STORAGE_SECRET_ANNOTATION]
    spec["replicas"] = target.replicas
    spec["model"] = {"uri": model_uri(target.model), "name": model_name(target.model)}
    (main,) = spec["template"]["containers"]
    main["image"] = target.image
    main["args"] = [
        f"--served-model-name={model_name(target.model)}" if a.startswith("--served-model-name=") else a
        for a in main["args"]
    ]
    return doc


def with_arguments(service_document: Document, changes: dict[str, str | None]) -> Document:
    """The service with engine options changed: `{"--max-model-len": "2048", "--enable-prefix-caching": None}`.

    None removes an option, "" sets one without a value. Order of the rest stays.
    """
    (main,) = service_document["spec"]["template"]["containers"]
    kept = [a for a in main["args"] if a.partition("=")[0] not in changes]
    added = [f"{name}={value}" if value else name for name, value in changes.items() if value is not None]
    changed = {**main, "args": [*kept, *added]}
    template = {**service_document["spec"]["template"], "containers": [changed]}
    return {**service_document, "spec": {**service_document["spec"], "template": template}}


def model_name(model: str) -> str:
    """The id clients use: the Hugging Face id without scheme."""
    return model.removeprefix("hf://")


def model_uri(model: str) -> str:
    """Where the model comes from; a bare id is one of Hugging Face."""
    return model if "://" in model else f"hf://{model}"


def network_policies(target: Target, stack: Stack = EA1) -> tuple[Document, ...]:
    """The five policies; those about the endpoint picker only where there is one."""
    docs = _renamed(files.read("networkpolicies.yaml"), {_EXAMPLE: target.service})
    for doc in docs:
        doc["metadata"]["namespace"] = target.namespace
        for rule in doc["spec"].get("ingress") or []:
            for peer in rule["from"]:
                space = (peer.get("namespaceSelector") or {}).get("matchLabels")
                if space and space.get(_NAMESPACE_LABEL) == EA1.gateway_namespace:
                    space[_NAMESPACE_LABEL] = stack.gateway_namespace
                    peer["podSelector"]["matchLabels"]["gateway.networking.k8s.io/gateway-name"] = stack.gateway
    return tuple(d for d in docs if target.shape.routed or "scheduler" not in d["metadata"]["name"])


def body_forwarding(target: Target, http_route: Document, stack: Stack = EA1) -> Document:
    """EnvoyFilter `<service>-extproc-body` for the live HTTPRoute's rules that go to an InferencePool."""
    return _envoy_filter("envoyfilter-extproc-body.yaml", target, http_route, pool_rules(http_route), stack)


def diagnostics(target: Target, http_route: Document, stack: Stack = EA1) -> Document:
    """EnvoyFilter `<service>-diagnostics`: every answer names its pod. Opt-in: it discloses pod addresses."""
    every = tuple(range(len((http_route.get("spec") or {}).get("rules") or [])))
    return _envoy_filter("envoyfilter-diagnostics.yaml", target, http_route, every, stack)


def pool_rules(http_route: Document) -> tuple[int, ...]:
    """Indexes of the HTTPRoute's rules that go to an InferencePool; Istio names Envoy routes by them."""
    rules = (http_route.get("spec") or {}).get("rules") or []
    return tuple(i for i, r in enumerate(rules) if any(_is_pool(b) for b in r.get("backendRefs") or []))


def _is_pool(backend: Document) -> bool:
    return backend.get("kind") == "InferencePool"


_EXAMPLE = "qwen-3b-gpu-svc"
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def _envoy_filter(name: str, target: Target, http_route: Document, rules: tuple[int, ...], stack: Stack) -> Document:
    route = http_route["metadata"]
    (doc,) = _renamed(files.read(name), {_EXAMPLE: target.service})
    doc["metadata"]["namespace"] = stack.gateway_namespace
    doc["spec"]["workloadSelector"]["labels"]["gateway.networking.k8s.io/gateway-name"] = stack.gateway
    (patch,) = doc["spec"]["configPatches"]
    doc["spec"]["configPatches"] = [
        {**copy.deepcopy(patch), "match": _route_match(f"{route['namespace']}.{route['name']}.{index}")}
        for index in rules
    ]
    return doc


def _route_match(envoy_route: str) -> Document:
    return {"context": "GATEWAY", "routeConfiguration": {"vhost": {"route": {"name": envoy_route}}}}


def _renamed(docs: tuple[Document, ...], names: dict[str, str]) -> tuple[Document, ...]:
    text = json.dumps(docs)
    for old, new in names.items():
        text = text.replace(old, new)
    return tuple(json.loads(text))


def _secret(target: Target, name: str, type_: str, data: dict[str, bytes]) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": target.namespace, "labels": dict(LABELS)},
        "type": type_,
        "data": {key: base64.b64encode(value).decode("ascii") for key, value in data.items()},
    }


def _auths(content: bytes, image: str) -> bytes:
    found: dict[str, Any] = {}
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        parsed = yaml.safe_load(content)  # JSON is YAML
        if parsed.get("kind") == "Secret":
            inner = (parsed.get("data") or {}).get(".dockerconfigjson")
            parsed = json.loads(base64.b64decode(inner) if inner else parsed["stringData"][".dockerconfigjson"])
        found = dict(parsed["auths"])
    if not found:
        raise ValueError("the pull secret file is neither a Docker config.json (with auths) nor a pull Secret in YAML")
    registry = image.partition("/")[0]
    needed = {host: auth for host, auth in found.items() if registry in host}
    return json.dumps({"auths": needed or found}, sort_keys=True).encode()
