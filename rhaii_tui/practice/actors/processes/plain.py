"""Any other container: a server that listens on its declared ports, or one of the few shell words used for tests."""

from __future__ import annotations

import asyncio
import shlex

from rhaii_tui.practice.actors.processes.base import Process


class Plain(Process):
    """Listens two seconds after its start and serves until terminated."""

    async def main(self) -> int:
        words = [
            str(w) for w in [*(self.place.container.get("command") or ()), *(self.place.container.get("args") or ())]
        ]
        if words and words[0].rsplit("/", 1)[-1] in ("sh", "bash") and "-c" in words[:-1]:
            return await self._shell(words[words.index("-c") + 1])
        if words and words[0] in ("sleep", "true", "false", "echo"):
            return await self._shell(shlex.join(words))
        return await self._serve()

    async def _shell(self, script: str) -> int:
        """`echo`, `sleep`, `exit`, `true` and `false`, one after the other; anything else serves for ever."""
        for command in script.replace("&&", ";").replace("\n", ";").split(";"):
            words = shlex.split(command)
            if not words or words[0] == "true":
                continue
            if words[0] == "echo":
                self.place.log(" ".join(words[1:]))
            elif words[0] == "sleep":
                if words[1] == "infinity":
                    await self.forever()
                await self.place.world.clock.sleep(float(words[1]))
            elif words[0] == "exit":
                return int(words[1]) if len(words) > 1 else 0
            elif words[0] == "false":
                return 1
            else:
                return await self._serve()
        return 0

    async def _serve(self) -> int:
        place = self.place
        place.log(f"starting {place.container['name']}")
        await place.work(2.0)
        container = place.container
        for field in ("startupProbe", "readinessProbe", "livenessProbe"):
            self._answer(container.get(field) or {})
        for port in container.get("ports") or ():
            number = int(port["containerPort"])
            self.listening.setdefault(number, "http")
            place.log(f"listening on :{number}")
        self.listen(0, "http", {"*": 200})
        await self.forever()
        return 0

    def _answer(self, probe: dict[str, dict[str, object]]) -> None:
        """A healthy server answers what its own probes ask, in their scheme."""
        get, rpc = probe.get("httpGet"), probe.get("grpc")
        named = {p.get("name"): int(p["containerPort"]) for p in self.place.container.get("ports") or ()}
        for asked, scheme in ((get, str((get or {}).get("scheme", "HTTP")).lower()), (rpc, "grpc")):
            if asked:
                port = asked["port"]
                self.listening[named[port] if port in named else int(str(port))] = scheme

    async def terminate(self) -> int:
        await asyncio.sleep(0)
        self.place.log("received SIGTERM, shutting down")
        return await super().terminate()
