"""Real kubectl against the practice API server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from kube_stage import DEADLINE, DEPLOYMENT, Json, Stage, crd, needs_kubectl, pod, stage

pytestmark = needs_kubectl


@pytest.fixture
async def kube(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as found:
        yield found


async def read_until(stream: asyncio.StreamReader, fragment: str) -> str:
    """The first line that contains a fragment."""
    async with asyncio.timeout(DEADLINE):
        while line := (await stream.readline()).decode():
            if fragment in line:
                return line
    raise AssertionError(f"the stream ended without {fragment!r}")


async def test_get_describe_and_events(kube: Stage) -> None:
    store = kube.cluster.store
    obj = store.create(pod("p1"))
    store.event(obj, "Normal", "Pulled", "Successfully pulled image", "kubelet")
    store.event(obj, "Normal", "Pulled", "Successfully pulled image", "kubelet")
    store.event(obj, "Normal", "Scheduled", "Successfully assigned default/p1 to n1", "scheduler", new_style=True)
    out = await kube.ok("get", "pods")
    assert re.search(r"p1 +1/1 +Running +0 +\d+s", out)
    assert "10.0.0.9   n1" in await kube.ok("get", "po", "-o", "wide")
    described = await kube.ok("describe", "pod", "p1")
    assert "x2 over" in described
    assert "Successfully assigned default/p1 to n1" in described
    assert "Pulled" in await kube.ok("events", "--for", "pod/p1")
    assert "pod/p1" in await kube.ok("get", "events", "--sort-by=.lastTimestamp")
    assert (await kube.ok("get", "pods", "-l", "app in (web)", "-o", "name")).strip() == "pod/p1"
    assert (await kube.ok("get", "pods", "-A", "--field-selector", "spec.nodeName=other", "-o", "name")).strip() == ""
    missing = await kube.kubectl("get", "pod", "nope")
    assert missing.code == 1
    assert 'pods "nope" not found' in missing.err


async def test_get_watch_shows_each_change(kube: Stage) -> None:
    kube.cluster.store.create(pod("p1"))
    process = await kube.spawn("get", "pods", "-w")
    assert process.stdout is not None
    await read_until(process.stdout, "Running")
    kube.cluster.store.update("Pod", "default", "p1", lambda o: o["status"].update(phase="Failed", reason="Evicted"))
    await read_until(process.stdout, "Evicted")
    kube.cluster.store.create(pod("p2"))
    await read_until(process.stdout, "p2")
    process.terminate()
    await process.wait()


async def test_logs_follow_to_the_end_and_refusals(kube: Stage) -> None:
    store, logs = kube.cluster.store, kube.cluster.logs
    uid = store.create(pod("p1"))["metadata"]["uid"]
    for number in range(5):
        logs.write(uid, "main", f"line {number}")
    assert await kube.ok("logs", "p1", "--tail=2") == "line 3\nline 4\n"
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z line 4", await kube.ok("logs", "p1", "--tail=1", "--timestamps"))
    assert await kube.ok("logs", "p1", "--limit-bytes=6") == "line 0"
    process = await kube.spawn("logs", "-f", "p1")
    assert process.stdout is not None
    await read_until(process.stdout, "line 4")
    logs.write(uid, "main", "while following")
    await read_until(process.stdout, "while following")
    logs.restart(uid, "main")
    async with asyncio.timeout(DEADLINE):
        assert await process.wait() == 0
    assert "while following" in await kube.ok("logs", "p1", "--previous")
    assert "container nope is not valid for pod p1" in (await kube.kubectl("logs", "p1", "-c", "nope")).err
    waiting: dict[str, Any] = {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    store.create(pod("p2", containerStatuses=[waiting]))
    refused = await kube.kubectl("logs", "p2")
    assert 'container "main" in pod "p2" is waiting to start: trying and failing to pull image' in refused.err
    refused = await kube.kubectl("logs", "p2", "--previous")
    assert 'previous terminated container "main" in pod "p2" not found' in refused.err


async def test_client_side_apply_diff_and_dry_run(kube: Stage) -> None:
    finished = await kube.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert (finished.out, finished.err) == ("deployment.apps/web created\n", "")
    assert "unchanged" in await kube.ok("apply", "-f", "-", stdin=DEPLOYMENT)
    changed = json.loads(json.dumps(DEPLOYMENT))
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"
    difference = await kube.kubectl("diff", "-f", "-", stdin=changed)
    assert difference.code == 1
    assert "+      - image: web:2" in difference.out
    assert "dry run" in await kube.ok("apply", "--dry-run=server", "-f", "-", stdin=changed)
    assert kube.cluster.store.list("Deployment")[0]["metadata"]["generation"] == 1
    assert "configured" in await kube.ok("apply", "-f", "-", stdin=changed)
    assert (await kube.kubectl("diff", "-f", "-", stdin=changed)).code == 0
    del changed["spec"]["template"]["spec"]["containers"][0]["ports"]
    await kube.ok("apply", "-f", "-", stdin=changed)
    stored = kube.cluster.store.list("Deployment")[0]
    assert "ports" not in stored["spec"]["template"]["spec"]["containers"][0]
    assert stored["metadata"]["generation"] == 3


async def test_server_side_apply_conflict_and_force(kube: Stage) -> None:
    assert "serverside-applied" in await kube.ok("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    rival = json.loads(json.dumps(DEPLOYMENT))
    rival["spec"]["replicas"] = 5
    apply = ("apply", "--server-side", "--field-manager=rival", "-f", "-")
    refused = await kube.kubectl(*apply, stdin=rival)
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in refused.err
    await kube.ok(*apply, "--force-conflicts", stdin=rival)
    assert kube.cluster.store.list("Deployment")[0]["spec"]["replicas"] == 5
    assert "serverside-applied" in await kube.ok("apply", "--server-side", "--dry-run=server", "-f", "-",
                                                 "--force-conflicts", stdin=DEPLOYMENT)  # fmt: skip
    assert kube.cluster.store.list("Deployment")[0]["spec"]["replicas"] == 5


async def test_server_side_apply_moves_and_drops_items_of_lists(kube: Stage) -> None:
    """A changed key is another item: the old one goes, whoever applied it client-side before included."""
    changed = json.loads(json.dumps(DEPLOYMENT))
    container = changed["spec"]["template"]["spec"]["containers"][0]
    container["ports"] = [{"containerPort": 8001, "name": "other"}]
    for first in (["--server-side"], []):
        await kube.ok("apply", *first, "-f", "-", stdin=DEPLOYMENT)
        finished = await kube.kubectl("apply", "--server-side", "-f", "-", stdin=changed)
        assert (finished.code, finished.err) == (0, "")
        live = kube.cluster.store.list("Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
        assert live["ports"] == [{"containerPort": 8001, "name": "other", "protocol": "TCP"}]
        await kube.ok("delete", "deploy", "web", "--timeout=20s")


async def test_misspelt_field_is_refused_with_its_path(kube: Stage) -> None:
    wrong = json.loads(json.dumps(DEPLOYMENT))
    wrong["spec"]["replikas"] = wrong["spec"].pop("replicas")
    text = "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replikas: field not"
    assert text in (await kube.kubectl("apply", "--server-side", "-f", "-", stdin=wrong)).err
    assert 'unknown field "spec.replikas"' in (await kube.kubectl("apply", "-f", "-", stdin=wrong)).err
    finished = await kube.kubectl("create", "--validate=warn", "-f", "-", stdin=wrong)
    assert (finished.code, "unknown field" in finished.err) == (0, True)


async def test_wait_rollout_and_scale(kube: Stage) -> None:
    await kube.ok("create", "-f", "-", stdin=DEPLOYMENT)
    waiting = asyncio.create_task(kube.kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s"))
    rolling = asyncio.create_task(kube.kubectl("rollout", "status", "deploy/web", "--timeout=20s"))

    def available(obj: Json) -> None:
        obj["status"] = {
            "observedGeneration": obj["metadata"]["generation"],
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
            "conditions": [{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True"}],
        }

    kube.cluster.store.update("Deployment", "default", "web", available, status=True)
    assert "condition met" in (await waiting).out
    assert "successfully rolled out" in (await rolling).out
    assert "scaled" in await kube.ok("scale", "deploy/web", "--replicas=4", "--current-replicas=2")
    assert "2/4" in await kube.ok("get", "deploy")
    deployed = kube.cluster.store.list("Deployment")[0]
    assert (deployed["spec"]["replicas"], deployed["metadata"]["generation"]) == (4, 2)


async def test_patch_label_annotate_and_delete(kube: Stage) -> None:
    await kube.ok("create", "-f", "-", stdin=DEPLOYMENT)
    environment = '{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"A","value":"1"}]}]}}}}'
    await kube.ok("patch", "deploy", "web", "-p", environment)
    await kube.ok("set", "env", "deploy/web", "B=2")
    await kube.ok("set", "env", "deploy/web", "A-")
    container = kube.cluster.store.list("Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"]) == ("web:1", [{"name": "B", "value": "2"}])
    await kube.ok("patch", "deploy", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":7}]')
    await kube.ok("patch", "deploy", "web", "--type=merge", "-p", '{"spec":{"paused":true}}')
    await kube.ok("label", "deploy", "web", "team=a")
    await kube.ok("label", "deploy", "web", "team=b", "--overwrite")
    await kube.ok("annotate", "deploy", "web", "note=x")
    stored = kube.cluster.store.list("Deployment")[0]
    assert (stored["spec"]["replicas"], stored["spec"]["paused"]) == (7, True)
    assert (stored["metadata"]["labels"]["team"], stored["metadata"]["annotations"]["note"]) == ("b", "x")
    assert "deleted" in await kube.ok("delete", "deploy", "web", "--timeout=20s")
    assert kube.cluster.store.list("Deployment") == []


async def test_protobuf_bodies(kube: Stage) -> None:
    await kube.ok("create", "ns", "team")
    await kube.ok("create", "configmap", "-n", "team", "cm", "--from-literal=a=b")
    await kube.ok("create", "secret", "generic", "-n", "team", "s", "--from-literal=token=x")
    assert kube.cluster.store.list("Secret", "team")[0]["data"] == {"token": "eA=="}
    await kube.ok("create", "sa", "-n", "team", "robot")
    assert (await kube.ok("create", "token", "robot", "-n", "team")).startswith("practice.")
    await kube.ok("create", "deployment", "-n", "team", "d", "--image=i:1", "--replicas=3")
    assert "3" in await kube.ok("get", "deploy", "-n", "team", "-o", "jsonpath={.items[0].spec.replicas}")
    await kube.ok("create", "quota", "-n", "team", "q", "--hard=pods=0")
    refused = await kube.kubectl("run", "p", "-n", "team", "--image=i")
    assert "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0" in refused.err
    assert (await kube.ok("auth", "can-i", "create", "deployments")).strip() == "yes"
    assert "*.*" in await kube.ok("auth", "can-i", "--list")
    assert "practice-user" in await kube.ok("auth", "whoami")
    await kube.ok("create", "role", "-n", "team", "reader", "--verb=get,list", "--resource=pods,pods/log")
    await kube.ok("create", "rolebinding", "-n", "team", "b", "--role=reader", "--serviceaccount=team:robot")
    await kube.ok("create", "clusterrole", "metrics", "--verb=get", "--non-resource-url=/metrics")
    assert kube.cluster.store.list("ClusterRole")[0]["rules"] == [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]
    described = await kube.ok("describe", "role", "reader", "-n", "team")
    assert re.search(r"pods/log +\[\] +\[\] +\[get list\]", described)
    assert re.search(r"ServiceAccount +robot +team", await kube.ok("describe", "rolebinding", "b", "-n", "team"))
    await kube.ok("create", "service", "clusterip", "-n", "team", "web", "--tcp=80:http")
    assert kube.cluster.store.list("Service", "team")[0]["spec"]["ports"][0] == {
        "name": "80-http", "protocol": "TCP", "port": 80, "targetPort": "http"
    }  # fmt: skip
    await kube.ok("create", "pdb", "-n", "team", "p", "--selector=app=d", "--min-available=50%")
    assert kube.cluster.store.list("PodDisruptionBudget", "team")[0]["spec"]["minAvailable"] == "50%"
    await kube.ok("delete", "ns", "team", "--timeout=20s")
    assert kube.cluster.store.list("Secret", "team") == []


async def test_top(kube: Stage) -> None:
    node = {"capacity": {"cpu": "4", "memory": "16Gi"}, "allocatable": {"cpu": "4", "memory": "16Gi"}}
    kube.cluster.store.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": node})
    kube.cluster.store.create(pod("p1"))
    assert re.search(r"n1 +\d+m +\d+% +\d+Mi +\d+%", await kube.ok("top", "nodes"))
    assert re.search(r"p1 +\d+m +\d+Mi", await kube.ok("top", "pods"))
    assert re.search(r"p1 +main +\d+m", await kube.ok("top", "pods", "--containers"))


async def test_custom_kinds_appear_with_their_definition(kube: Stage) -> None:
    assert (await kube.kubectl("get", "widgets")).code == 1
    columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    definition = crd("example.com", "Widget", "v1", additionalPrinterColumns=columns, schema=schema)
    await kube.ok("apply", "--server-side", "-f", "-", stdin=definition)
    await kube.ok("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=20s")
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}
    await kube.ok("apply", "-f", "-", stdin=widget)
    assert re.search(r"NAME +SIZE\nw +3", await kube.ok("get", "widgets"))
    wrong = widget | {"spec": {"size": "three"}}
    refused = await kube.kubectl("apply", "-f", "-", stdin=wrong)
    assert 'spec.size in body must be of type integer: "string"' in refused.err
    await kube.ok("delete", "crd", "widgets.example.com", "--timeout=20s")
    assert kube.cluster.store.list("Widget") == []
    assert not kube.cluster.store.has_kind("Widget")


def _beside_kubectl(name: str) -> str:
    installed = os.path.realpath(shutil.which("kubectl") or "")
    return shutil.which(name, path=os.path.dirname(installed)) or pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("minor", [27, 29, 31, 33])
async def test_other_versions_of_kubectl(kube: Stage, minor: int) -> None:
    """The Cloud SDK ships several versions beside its kubectl."""
    kube.binary = _beside_kubectl(f"kubectl.1.{minor}")
    await kube.ok("apply", "-f", "-", stdin=DEPLOYMENT)
    changed = json.loads(json.dumps(DEPLOYMENT))
    changed["spec"]["replicas"] = 3
    await kube.ok("apply", "-f", "-", stdin=changed)
    await kube.ok("apply", "--server-side", "-f", "-", stdin=changed)
    assert "0/3" in await kube.ok("get", "deploy")
    assert "web" in await kube.ok("describe", "deploy", "web")
    await kube.ok("delete", "deploy", "web", "--timeout=20s")


async def test_drain_evicts_and_pods_keep_their_spec(kube: Stage) -> None:
    kube.cluster.store.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {}})
    kube.cluster.store.create(pod("p1"))
    refused = await kube.kubectl("patch", "pod", "p1", "-p", '{"spec":{"nodeName":"n2"}}')
    assert "pod updates may not change fields other than" in refused.err
    await kube.ok("set", "image", "pod/p1", "main=i:2")
    assert "drained" in await kube.ok("drain", "n1", "--force", "--grace-period=0", "--timeout=20s")
    assert kube.cluster.store.list("Pod") == []
    assert "SchedulingDisabled" in await kube.ok("get", "nodes")
