"""The endpoint picker (EPP): a gRPC server on 9002, its health on 9003, metrics on 9090."""

from __future__ import annotations

import asyncio
import json
import time

from rhaii_tui.practice.actors.objects import labels_of
from rhaii_tui.practice.actors.processes.base import Process
from rhaii_tui.practice.traffic.policies import leaves

_NO_API = 'Get "https://34.118.224.1:443/api/v1/pods?limit=500": dial tcp 34.118.224.1:443: i/o timeout'


class Picker(Process):
    """Serves a few seconds after its start, and tells the data plane so."""

    async def main(self) -> int:
        place = self.place
        arguments = [str(a) for a in place.container.get("args") or ()]
        pool = arguments[arguments.index("--pool-name") + 1] if "--pool-name" in arguments[:-1] else "?"
        namespace = place.pod["metadata"]["namespace"]
        self._say("cmd/epp/runner/runner.go:143", "GIE build", commit="1c3a9b7", ref="v0.5.1")
        self._say("cmd/epp/runner/runner.go:170", "Flags processed", flags=arguments)
        self._say("scheduling/scheduler_config.go:81", "Loaded scorers", prefix=2.0, load_aware=1.0)
        await place.work(4.0)
        if not leaves(place.cluster, place.pod, None, 443):
            await place.work(30.0)
            self._say_error("runner/runner.go:310", "Failed to start manager", _NO_API)
            return 1
        self._say(
            "controller/controller.go:186",
            "Starting Controller",
            controller="inferencepool",
            pool=f"{namespace}/{pool}",
        )
        self._say("server/controller_manager.go:68", "Serving metrics server", bindAddress=":9090", secure=True)
        await place.work(3.0)
        self._say("runnable/grpc.go:48", "gRPC server listening", name="health", port=9003)
        self._say("runnable/grpc.go:48", "gRPC server listening", name="ext-proc", port=9002)
        self._open()
        traffic = place.world.traffic
        if traffic is not None:
            traffic.picker_started(place.cluster, place.pod)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._complain())
                group.create_task(self._hang())
        finally:
            if traffic is not None:
                traffic.picker_stopped(place.uid)
        return 0

    async def _hang(self) -> None:
        """Now and then it is there and answers nobody, its kubelet neither.

        One that "epp-dead" hits before it ever served has a health server that answers: it becomes Ready, the
        deployment is complete, and every request fails open.
        """
        faults = self.place.world.faults
        await self._while_dead()
        while True:
            async with faults.changed:
                await faults.changed.wait_for(self._dead)
            self.close()
            await self._while_dead()
            self._open()

    def _open(self) -> None:
        for port, scheme in ((9002, "grpc"), (9003, "grpc"), (9090, "https")):
            self.listen(port, scheme, {"/metrics": 200})

    def _dead(self) -> bool:
        """Whether "epp-dead" has hit this pod: the service's first; a pod that takes its place is well."""
        service = labels_of(self.place.pod).get("app.kubernetes.io/name", "")
        return self.place.world.faults.claims("epp-dead", f"picker of {service}", self.place.uid)

    async def _while_dead(self) -> None:
        faults = self.place.world.faults
        async with faults.changed:
            await faults.changed.wait_for(lambda: not self._dead())

    async def _complain(self) -> None:
        """Say so while NetworkPolicies keep it from the API server."""
        place = self.place
        async for _ in place.cluster.store.watch("NetworkPolicy"):
            while not leaves(place.cluster, place.pod, None, 443):
                self._say_error("cache/reflector.go:166", "Failed to watch", _NO_API, type="*v1.Pod")
                await place.world.clock.sleep(30.0)

    async def terminate(self) -> int:
        self._say("runnable/grpc.go:57", "gRPC server shutting down", name="ext-proc")
        await self.place.world.clock.sleep(2.0)
        return 0

    def _say_error(self, caller: str, message: str, error: str, **fields: object) -> None:
        self._say(caller, message, level="error", error=error, **fields)

    def _say(self, caller: str, message: str, *, level: str = "info", **fields: object) -> None:
        line = {"level": level, "ts": f"{time.time():.6f}", "caller": caller, "msg": message, **fields}
        self.place.log(json.dumps(line, separators=(",", ":")))
