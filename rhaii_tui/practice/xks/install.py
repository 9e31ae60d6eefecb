"""`deploy-all`, `undeploy` and `status`, in the order of the real repository; each can be run again at will."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Any

import yaml

from rhaii_tui.practice.xks import definitions, objects
from rhaii_tui.practice.xks.client import Client
from rhaii_tui.practice.xks.definitions import Definition
from rhaii_tui.practice.xks.objects import Obj, Operator


def deploy_all(client: Client) -> None:
    """Everything, each part Available before the next. Raises Refused, TimeoutError."""
    _say("check-kubeconfig")
    version = client.call("GET", "/version")
    print(f"cluster answers, {version['gitVersion']}", flush=True)
    for name in objects.NAMESPACES:
        client.apply(objects.namespace(name))
        client.apply(objects.pull_secret(name))
    _cert_manager(client)
    _istio(client)
    _lws(client)
    _kserve(client)
    _say("deploy-all complete")


def _cert_manager(client: Client) -> None:
    _say("deploy-cert-manager 1.15.2")
    _define(client, definitions.CERT_MANAGER)
    _run(client, (objects.CERT_MANAGER_OPERATOR,))
    client.apply(objects.cert_manager_webhook())
    _run(client, objects.CERT_MANAGER)


def _istio(client: Client) -> None:
    _say("deploy-istio v1.27-latest (sail operator 3.2.1)")
    _define(client, definitions.GATEWAY_API)
    _define(client, definitions.INFERENCE_EXTENSION)
    _define(client, definitions.ISTIO)
    _run(client, (objects.MESH_OPERATOR,))
    client.apply(objects.ISTIO)
    client.wait(objects.ISTIO, lambda o: bool(o) and _status(o).get("state") == "Healthy", "istio/default Healthy")
    print("istio/default is Healthy", flush=True)
    client.apply(objects.GATEWAY_CLASS)
    _condition(client, objects.GATEWAY_CLASS, "Accepted")


def _lws(client: Client) -> None:
    _say("deploy-lws 1.0")
    _define(client, definitions.LWS)
    _run(client, (objects.LWS_OPERATOR,))
    _run(client, (objects.LWS_CONTROLLER,))


def _kserve(client: Client) -> None:
    _say("deploy-kserve 3.4.0-ea.1-dev-8a30e66")
    client.apply(objects.SELF_SIGNED)
    client.apply(objects.CA)
    _condition(client, objects.CA, "Ready")
    client.apply(objects.CA_ISSUER)
    _condition(client, objects.CA_ISSUER, "Ready")
    _define(client, definitions.KSERVE)
    client.apply(objects.INGRESS)
    for hook in objects.webhooks():
        client.apply(hook)
    _run(client, (objects.KSERVE,))
    for preset in presets():
        client.apply(preset)
        print(f"llminferenceserviceconfig/{preset['metadata']['name']} applied", flush=True)


def presets() -> list[Obj]:
    """The LLMInferenceServiceConfigs shipped beside this module."""
    text = resources.files("rhaii_tui.practice.xks").joinpath("presets.yaml").read_text("utf-8")
    return [o for o in yaml.safe_load_all(text) if o]


def undeploy(client: Client) -> None:
    """Services first, while their controller can still let them go; then everything that deploy_all made."""
    _say("undeploy")
    services = client.items("serving.kserve.io/v1alpha1", "LLMInferenceService")
    for service in services:
        client.delete(service)
    for service in services:
        name = service["metadata"]["name"]
        client.wait(service, lambda o: o is None, f"{name} to be gone")
        print(f"llminferenceservice/{name} deleted", flush=True)
    for obj in (*objects.webhooks(), objects.cert_manager_webhook()):
        client.delete(obj)
    for gateway in client.items("gateway.networking.k8s.io/v1", "Gateway"):
        client.delete(gateway)
    for definition in reversed(definitions.ALL):
        client.delete(definition.manifest())
    for name in reversed(objects.NAMESPACES):
        client.delete(objects.namespace(name))
        print(f"namespace/{name} deleted", flush=True)
    for name in objects.NAMESPACES:
        client.wait(objects.namespace(name), lambda o: o is None, f"namespace {name} to be gone")
    _say("undeploy complete")


def status(client: Client) -> bool:
    """Print each part with its state; whether all are Available."""
    complete = True
    for namespace, name in _deployments():
        found = client.get(_deployment(namespace, name))
        good = _has(found, "Available")
        complete &= good
        print(f"{namespace:<24} {name:<44} {'Available' if good else 'not Available' if found else 'missing'}")
    return complete


def _deployments() -> Iterable[tuple[str, str]]:
    operators = (
        objects.CERT_MANAGER_OPERATOR,
        *objects.CERT_MANAGER,
        objects.MESH_OPERATOR,
        objects.LWS_OPERATOR,
        objects.LWS_CONTROLLER,
        objects.KSERVE,
    )
    return (*((o.namespace, o.name) for o in operators), objects.ISTIOD)


def _define(client: Client, wanted: Iterable[Definition]) -> None:
    count = 0
    for definition in wanted:
        client.apply(definition.manifest())
        count += 1
    print(f"{count} CustomResourceDefinitions applied", flush=True)


def _run(client: Client, operators: Iterable[Operator]) -> None:
    """Create Deployments together, then wait for each."""
    operators = tuple(operators)
    for operator in operators:
        for obj in operator.manifests():
            client.apply(obj)
        print(f"deployment.apps/{operator.name} created in {operator.namespace}", flush=True)
    for operator in operators:
        _condition(client, _deployment(operator.namespace, operator.name), "Available")


def _condition(client: Client, obj: Obj, type_: str) -> None:
    name = f"{obj['kind'].lower()}/{obj['metadata']['name']}"
    client.wait(obj, lambda o: _has(o, type_), f"{name} {type_}")
    print(f"{name} condition met: {type_}", flush=True)


def _deployment(namespace: str, name: str) -> Obj:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace}}


def _status(obj: Obj | None) -> dict[str, Any]:
    return (obj or {}).get("status") or {}


def _has(obj: Obj | None, type_: str) -> bool:
    return any(c["type"] == type_ and c["status"] == "True" for c in _status(obj).get("conditions") or ())


def _say(text: str) -> None:
    print(f"=== {text} ===", flush=True)
