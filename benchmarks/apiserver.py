"""A loopback API server with many 11 KB pods and a steady stream of updates: the load for benchmarks/reflector.py.

Run as `python benchmarks/apiserver.py PODS UPDATES_PER_SECOND`; prints `{"port": ...}` and serves until its parent
closes stdin. Plain HTTP, so that both clients spend their time on decoding and not on TLS. Every update carries its
sending time (monotonic clock, shared by processes of one machine) in the annotation `sent`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from aiohttp import web

FILLER = "x" * 380


def pod(index: int, version: int, sent: float) -> dict[str, Any]:
    """A pod as large as a vLLM one under KServe, a third of it managedFields."""
    variables = [{"name": f"VARIABLE_{n}", "value": FILLER[:100]} for n in range(40)]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": f"replica-{index}",
            "namespace": "bench",
            "uid": f"00000000-0000-0000-0000-{index:012d}",
            "resourceVersion": str(version),
            "creationTimestamp": "2026-08-22T10:00:00Z",
            "labels": {"app.kubernetes.io/part-of": "llminferenceservice", "kserve.io/component": "workload"},
            "annotations": {"sent": str(sent)},
            "managedFields": [
                {"manager": "kubelet", "operation": "Update", "fieldsV1": {f"f:field{n}": {"f:a": {}, "f:b": {}}}}
                for n in range(45)
            ],
        },
        "spec": {
            "containers": [{"name": "main", "image": "registry.redhat.io/rhaiis/vllm:3.2.5", "env": variables}],
            "nodeName": f"node-{index % 7}",
        },
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": t, "status": "True", "lastTransitionTime": "2026-08-22T10:00:00Z"}
                for t in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    "name": "main",
                    "image": FILLER[:80],
                    "imageID": FILLER[:80],
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": "2026-08-22T10:00:00Z"}},
                }
            ],
        },
    }


class Server:
    """Lists in pages, watches for ever."""

    def __init__(self, pods: int, rate: float) -> None:
        self._pods, self._rate, self._version = pods, rate, 1000

    async def pods(self, request: web.Request) -> web.StreamResponse:
        """`GET .../pods`, list or watch."""
        if request.query.get("watch") in ("true", "True", "1"):
            return await self._watch(request)
        start = int(request.query.get("continue") or 0)
        end = min(start + int(request.query.get("limit") or self._pods), self._pods)
        meta: dict[str, Any] = {"resourceVersion": str(self._version)}
        if end < self._pods:
            meta["continue"] = str(end)
        items = [pod(n, self._version, 0.0) for n in range(start, end)]
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        begun, sent = time.monotonic(), 0
        while True:
            due = int((time.monotonic() - begun) * self._rate)
            while sent < due:
                self._version += 1
                changed = pod(sent % self._pods, self._version, time.monotonic())
                await response.write(json.dumps({"type": "MODIFIED", "object": changed}).encode() + b"\n")
                sent += 1
            await asyncio.sleep(1 / self._rate)


async def main(pods: int, rate: float) -> None:
    """Serve until stdin ends."""
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/bench/pods", Server(pods, rate).pods)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
