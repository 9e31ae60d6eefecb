"""The endpoint picker (EPP): a gRPC server on 9002, its health on 9003, metrics on 9090."""

from __future__ import annotations

import json
import time

from rhaii_tui.practice.actors.processes.base import Process


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
        for port, scheme in ((9002, "grpc"), (9003, "grpc"), (9090, "https")):
            self.listen(port, scheme, {"/metrics": 200})
        traffic = place.world.traffic
        if traffic is not None:
            traffic.picker_started(place.cluster, place.pod)
        try:
            await self.forever()
        finally:
            if traffic is not None:
                traffic.picker_stopped(place.uid)
        return 0

    async def terminate(self) -> int:
        self._say("runnable/grpc.go:57", "gRPC server shutting down", name="ext-proc")
        await self.place.world.clock.sleep(2.0)
        return 0

    def _say(self, caller: str, message: str, **fields: object) -> None:
        line = {"level": "info", "ts": f"{time.time():.6f}", "caller": caller, "msg": message, **fields}
        self.place.log(json.dumps(line, separators=(",", ":")))
