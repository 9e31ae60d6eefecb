"""The practice API server over TLS, with the official package's HTTP session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from kube_stage import DEADLINE, DEPLOYMENT, TOKEN, Json, Stage, crd, pod, stage

PODS = "/api/v1/namespaces/default/pods"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
APPLY = "application/apply-patch+yaml"


@pytest.fixture
async def kube(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as found:
        yield found


class Wire:
    """A raw session: streams, strict TLS."""

    def __init__(self, kube: Stage, session: aiohttp.ClientSession) -> None:
        self.kube, self.session = kube, session

    def get(self, path: str) -> Any:
        return self.session.get(f"https://{self.kube.cluster.address}{path}")


@pytest.fixture
async def wire(kube: Stage) -> AsyncIterator[Wire]:
    context = ssl.create_default_context(cafile=str(kube.folder / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        yield Wire(kube, session)


async def event(response: aiohttp.ClientResponse) -> Json:
    """The next watch event."""
    async with asyncio.timeout(DEADLINE):
        found: Json = json.loads(await response.content.readline())
        return found


async def test_certificates_pass_the_strict_checks(wire: Wire) -> None:
    async with wire.get("/version") as response:
        assert (await response.json())["major"] == "1"
    async with wire.get("/version/") as response:
        assert response.status == 200


async def test_strangers_are_refused(kube: Stage) -> None:
    async with kube.api(token=None) as call:
        status, _, body = await call("GET", "/api/v1/pods")
        assert (status, body["reason"]) == (403, "Forbidden")
        text = 'User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope'
        assert text in body["message"]
    async with kube.api(token="wrong") as call:
        status, _, body = await call("GET", PODS)
        assert (status, body["message"]) == (401, "Unauthorized")


async def test_discovery_in_both_forms(kube: Stage) -> None:
    async with kube.api() as call:
        _, headers, body = await call("GET", "/apis", accept=AGGREGATED)
        assert headers["Content-Type"] == AGGREGATED
        assert "apps" in {item["metadata"]["name"] for item in body["items"]}
        _, _, legacy = await call("GET", "/apis")
        assert legacy["kind"] == "APIGroupList"
        assert "widgets.io" not in {group["name"] for group in legacy["groups"]}
        _, _, core = await call("GET", "/api/v1")
        assert {"pods", "pods/log", "pods/status"} <= {item["name"] for item in core["resources"]}
        kube.cluster.store.create(crd("widgets.io", "Widget", "v1"))
        _, _, legacy = await call("GET", "/apis")
        assert "widgets.io" in {group["name"] for group in legacy["groups"]}
        assert (await call("GET", "/apis/nope.io/v1"))[0] == 404


async def test_pages_selectors_and_expired_tokens(kube: Stage) -> None:
    for number in range(7):
        kube.cluster.store.create(pod(f"p{number}"))
    async with kube.api() as call:
        names: list[str] = []
        path, token, remaining = f"{PODS}?limit=3", "", []
        while True:
            _, _, body = await call("GET", path + (f"&continue={token}" if token else ""))
            names += [item["metadata"]["name"] for item in body["items"]]
            remaining.append(body["metadata"].get("remainingItemCount"))
            token = body["metadata"].get("continue", "")
            if not token:
                break
        assert names == [f"p{number}" for number in range(7)]
        assert remaining == [4, 1, None]
        _, _, first = await call("GET", path)
        kube.cluster.store.update("Pod", "default", "p0", lambda o: o["metadata"].update(labels={"tier": "x"}))
        kube.cluster.store.journal("Pod").forget()
        status, _, body = await call("GET", f"{path}&continue={first['metadata']['continue']}")
        assert (status, body["reason"]) == (410, "Expired")
        for query, count in (
            ("labelSelector=tier%3Dx", 1),
            ("labelSelector=tier!%3Dx", 6),
            ("labelSelector=app%20notin%20(a,web)", 1),
            ("labelSelector=!tier", 6),
            ("fieldSelector=metadata.name%3Dp3", 1),
            ("fieldSelector=spec.nodeName%3Dn1,status.phase!%3DRunning", 0),
        ):
            _, _, body = await call("GET", f"{PODS}?{query}")
            assert len(body["items"]) == count, query
        status, _, body = await call("GET", f"{PODS}?fieldSelector=spec.nope%3Dx")
        assert (status, "field label not supported: spec.nope" in body["message"]) == (400, True)
        status, _, body = await call("GET", f"{PODS}?resourceVersion=abc")
        assert (status, 'resourceVersion: Invalid value: "abc"' in body["message"]) == (500, True)
        _, _, table = await call("GET", PODS, accept=TABLE)
        assert [column["name"] for column in table["columnDefinitions"]][:4] == ["Name", "Ready", "Status", "Restarts"]
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


async def test_watch_from_a_version_sees_only_what_came_later(kube: Stage, wire: Wire) -> None:
    store = kube.cluster.store
    store.create(pod("p1"))
    version = store.rv
    store.create(pod("p2"))
    async with wire.get(f"{PODS}?watch=true&resourceVersion={version}") as response:
        assert (await event(response))["object"]["metadata"]["name"] == "p2"
        store.update("Pod", "default", "p1", lambda o: o["metadata"].update(labels={"a": "b"}))
        assert (await event(response))["type"] == "MODIFIED"
        store.delete("Pod", "default", "p1")
        assert (await event(response))["type"] == "DELETED"


async def test_watch_follows_its_selector(kube: Stage, wire: Wire) -> None:
    store = kube.cluster.store
    store.create(pod("p1"))
    async with wire.get(f"{PODS}?watch=true&resourceVersion={store.rv}&labelSelector=tier%3Dx") as response:
        store.update("Pod", "default", "p1", lambda o: o["metadata"].update(labels={"tier": "x"}))
        assert (await event(response))["type"] == "ADDED"
        store.update("Pod", "default", "p1", lambda o: o["metadata"].update(labels={"tier": "y"}))
        assert (await event(response))["type"] == "DELETED"


async def test_initial_events_bookmarks_and_the_end(kube: Stage, wire: Wire) -> None:
    kube.cluster.store.create(pod("p1"))
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with wire.get(f"{PODS}?{query}&timeoutSeconds=1") as response:
        assert (await event(response))["type"] == "ADDED"
        bookmark = await event(response)
        assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        last = bookmark
        async for line in response.content:
            last = json.loads(line)
        assert last["type"] == "BOOKMARK"
        assert last["object"]["metadata"]["resourceVersion"] == str(kube.cluster.store.rv)


async def test_stale_watch_expires_in_the_stream(kube: Stage, wire: Wire) -> None:
    async with wire.get(f"{PODS}?watch=true&resourceVersion=1") as response:
        error = await event(response)
        assert response.status == 200
        assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert error["object"]["message"] == "too old resource version: 1 (100)"


async def test_fault_watch_410_ends_open_watches(kube: Stage, wire: Wire) -> None:
    async with wire.get(f"{PODS}?watch=true&resourceVersion={kube.cluster.store.rv}") as response:
        await kube.cluster.world.faults.switch("watch-410", True)
        assert (await event(response))["object"]["code"] == 410
    await kube.cluster.world.faults.switch("watch-410", False)
    async with wire.get(f"{PODS}?watch=true&resourceVersion={kube.cluster.store.rv}") as response:
        kube.cluster.store.create(pod("p1"))
        assert (await event(response))["type"] == "ADDED"


async def test_fault_503_burst_spares_every_third_request(kube: Stage) -> None:
    await kube.cluster.world.faults.switch("api-503-burst", True)
    async with kube.api() as call:
        answers = [(await call("GET", PODS))[:2] for _ in range(6)]
        assert sorted(status for status, _ in answers) == [200, 200, 503, 503, 503, 503]
        assert all(headers["Content-Type"].startswith("text/html") for status, headers in answers if status == 503)


async def test_fault_api_restart_cuts_and_comes_back_on_the_same_port(kube: Stage, wire: Wire) -> None:
    address = kube.cluster.address
    host, _, port = address.partition(":")
    kube.cluster.store.create(pod("p1"))
    async with wire.get(f"{PODS}?watch=true&resourceVersion={kube.cluster.store.rv}") as response:
        await kube.cluster.world.faults.switch("api-restart", True)
        async with asyncio.timeout(DEADLINE):
            with contextlib.suppress(aiohttp.ClientError):
                assert await response.content.readline() == b""
    with pytest.raises(OSError):
        await asyncio.open_connection(host, int(port))
    await kube.cluster.world.faults.switch("api-restart", False)
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                async with wire.get(PODS) as response:
                    assert len((await response.json())["items"]) == 1
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0)
    assert kube.cluster.address == address


async def test_optimistic_locking_and_status_split(kube: Stage) -> None:
    async with kube.api() as call:
        path = "/apis/apps/v1/namespaces/default/deployments"
        status, _, made = await call("POST", path, DEPLOYMENT)
        assert status == 201
        stale = json.loads(json.dumps(made))
        made["spec"]["replicas"] = 3
        made["status"] = {"replicas": 9}
        _, _, made = await call("PUT", f"{path}/web", made)
        assert (made["metadata"]["generation"], made.get("status")) == (2, None)
        status, _, body = await call("PUT", f"{path}/web", stale)
        assert (status, body["reason"]) == (409, "Conflict")
        made["status"] = {"replicas": 3}
        made["spec"]["replicas"] = 99
        _, _, made = await call("PUT", f"{path}/web/status", made)
        assert (made["spec"]["replicas"], made["status"], made["metadata"]["generation"]) == (3, {"replicas": 3}, 2)
        version = made["metadata"]["resourceVersion"]
        merge = "application/merge-patch+json"
        _, _, same = await call("PATCH", f"{path}/web", {"spec": {"replicas": 3}}, merge)
        assert same["metadata"]["resourceVersion"] == version
        status, _, body = await call("POST", path, DEPLOYMENT)
        assert (status, body["reason"], body["message"]) == (
            409,
            "AlreadyExists",
            'deployments.apps "web" already exists',
        )


async def test_namespaces_refuse_and_empty(kube: Stage) -> None:
    async with kube.api() as call:
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": ["a/b"]}}
        status, _, body = await call("POST", "/api/v1/namespaces/none/configmaps", config)
        assert (status, body["message"]) == (404, 'namespaces "none" not found')
        await call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}})
        await call("POST", "/api/v1/namespaces/x/configmaps", config)
        _, _, body = await call("DELETE", "/api/v1/namespaces/x")
        assert body["status"]["phase"] == "Terminating"
        late = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}}
        status, _, body = await call("POST", "/api/v1/namespaces/x/configmaps", late)
        assert (status, "because it is being terminated" in body["message"]) == (403, True)
        patch = [{"op": "remove", "path": "/metadata/finalizers"}]
        await call("PATCH", "/api/v1/namespaces/x/configmaps/c", patch, "application/json-patch+json")
        assert (await call("GET", "/api/v1/namespaces/x"))[0] == 404


async def test_owned_objects_follow_their_owner(kube: Stage) -> None:
    async with kube.api() as call:
        made = kube.cluster.store.create(DEPLOYMENT)
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": made["metadata"]["uid"]}
        child = pod("p1")
        child["metadata"]["ownerReferences"] = [owner]
        kube.cluster.store.create(child)
        path = "/apis/apps/v1/namespaces/default/deployments/web"
        await call("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"})
        owner_now = kube.cluster.store.get("Deployment", "default", "web")
        assert owner_now is not None
        assert owner_now["metadata"]["finalizers"] == ["foregroundDeletion"]
        marked = kube.cluster.store.get("Pod", "default", "p1")
        assert marked is not None
        assert "deletionTimestamp" in marked["metadata"]
        kube.cluster.store.delete("Pod", "default", "p1")
        assert kube.cluster.store.get("Deployment", "default", "web") is None


async def test_proxy_to_a_closed_port(kube: Stage) -> None:
    kube.cluster.store.create(pod("p1"))
    async with kube.api() as call:
        status, _, body = await call("GET", f"{PODS}/p1:9/proxy/health")
        text = "error trying to reach service: dial tcp 10.0.0.9:9: connect: connection refused"
        assert (status, body["reason"], body["message"]) == (503, "ServiceUnavailable", text)
        assert (await call("GET", f"{PODS}/nope:9/proxy/health"))[0] == 404


async def test_events_in_both_shapes(kube: Stage) -> None:
    made = kube.cluster.store.create(pod("p1"))
    kube.cluster.store.event(made, "Warning", "FailedScheduling", "0/3 nodes", "default-scheduler", new_style=True)
    kube.cluster.store.event(made, "Warning", "FailedScheduling", "0/3 nodes", "default-scheduler", new_style=True)
    async with kube.api() as call:
        uid = made["metadata"]["uid"]
        _, _, body = await call("GET", f"/api/v1/namespaces/default/events?fieldSelector=involvedObject.uid%3D{uid}")
        (old,) = body["items"]
        assert (old["firstTimestamp"], old["series"]["count"], "count" in old) == (None, 2, False)
        _, _, body = await call("GET", "/apis/events.k8s.io/v1/namespaces/default/events")
        (new,) = body["items"]
        assert (new["note"], new["regarding"]["name"]) == ("0/3 nodes", "p1")
        assert (new["reportingController"], new["apiVersion"]) == ("default-scheduler", "events.k8s.io/v1")


async def test_apply_drops_what_it_no_longer_says(kube: Stage) -> None:
    async with kube.api() as call:
        path = "/api/v1/namespaces/default/configmaps/c?fieldManager=a"
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"one": "1", "two": "2"}}
        assert (await call("PATCH", path, config, APPLY))[0] == 201
        other = path.replace("=a", "=b")
        status, _, both = await call("PATCH", other, config | {"data": {"two": "2", "three": "3"}}, APPLY)
        assert status == 200
        _, _, less = await call("PATCH", path, config | {"data": {"one": "1"}}, APPLY)
        assert less["data"] == both["data"]
        _, _, gone = await call("PATCH", path, config | {"data": {}}, APPLY)
        assert gone["data"] == {"two": "2", "three": "3"}
        managers = {entry["manager"]: entry["fieldsV1"] for entry in gone["metadata"]["managedFields"]}
        assert managers["b"] == {"f:data": {"f:three": {}, "f:two": {}}}
        status, _, _ = await call("PATCH", path.split("?")[0], config, APPLY)
        assert status == 400


class Echo:
    """A data plane that answers on port 8000 of any pod."""

    async def pod_request(self, cluster: Any, pod: Json, port: int, path: str, request: web.Request) -> web.Response:
        if port != 8000:
            raise ConnectionRefusedError
        query = request.rel_url.query_string
        return web.json_response({"pod": pod["metadata"]["name"], "path": path, "query": query})


async def test_pod_and_service_proxy_reach_the_data_plane(kube: Stage) -> None:
    kube.cluster.world.traffic = Echo()  # type: ignore[assignment]
    kube.cluster.store.create(pod("p1"))
    spec = {"selector": {"app": "web"}, "ports": [{"name": "https", "port": 443, "targetPort": 8000}, {"port": 9}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": spec}
    kube.cluster.store.create(service)
    services = "/api/v1/namespaces/default/services"
    async with kube.api() as call:
        _, _, body = await call("GET", f"{PODS}/p1:8000/proxy/v1/models?a=b%20c")
        assert body == {"pod": "p1", "path": "/v1/models", "query": "a=b c"}
        _, _, body = await call("POST", f"{services}/https:s:https/proxy/v1/completions", {"prompt": "x"})
        assert (body["pod"], body["path"]) == ("p1", "/v1/completions")
        assert (await call("GET", f"{services}/s:9/proxy/"))[0] == 503
        kube.cluster.store.update("Pod", "default", "p1", lambda o: o["status"].update(conditions=[]))
        status, _, body = await call("GET", f"{services}/s:443/proxy/")
        assert (status, body["message"]) == (503, 'no endpoints available for service "s"')


async def test_a_fast_log_arrives_whole(kube: Stage, wire: Wire) -> None:
    logs, uid = kube.cluster.logs, kube.cluster.store.create(pod("p1"))["metadata"]["uid"]
    async with wire.get(f"{PODS}/p1/log?follow=true") as response:
        for start in range(0, 10_000, 500):
            for number in range(start, start + 500):
                logs.write(uid, "main", f"line {number}")
            await asyncio.sleep(0)
        logs.close(uid, "main")
        async with asyncio.timeout(DEADLINE):
            text = await response.text()
    assert text.splitlines() == [f"line {number}" for number in range(10_000)]
