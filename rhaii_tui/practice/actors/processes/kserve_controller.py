"""KServe's controller: a plain server whose readiness hangs on the certificate of its webhook."""

from __future__ import annotations

import json
import time

from rhaii_tui.practice.actors.processes.plain import Plain

_FILE = "/tmp/k8s-webhook-server/serving-certs/tls.crt"


class KServeController(Plain):
    """Not Ready while "webhook-not-ready" has hit its pod; a pod that takes its place is well."""

    async def forever(self) -> None:
        faults = self.place.world.faults

        def hit() -> bool:
            return faults.claims("webhook-not-ready", "pod", self.place.uid)

        while True:
            async with faults.changed:
                await faults.changed.wait_for(hit)
            self._say("certwatcher.go:181", "error re-reading certificate", f"open {_FILE}: no such file or directory")
            self._say("server.go:219", "webhook server is not ready", "tls: no certificate to serve")
            self.paths["/readyz"] = 500
            self.changed.set()
            async with faults.changed:
                await faults.changed.wait_for(lambda: not hit())
            self.paths["/readyz"] = 200
            self.changed.set()

    def _say(self, caller: str, message: str, error: str) -> None:
        line = {"level": "error", "ts": f"{time.time():.6f}", "caller": caller, "msg": message, "error": error}
        self.place.log(json.dumps(line, separators=(",", ":")))
