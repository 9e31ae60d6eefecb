"""One container through its life: image, start, probes, death, back-off, and again."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors import processes
from rhaii_tui.practice.actors.images import Images, PullFailed, is_engine
from rhaii_tui.practice.actors.objects import Obj
from rhaii_tui.practice.actors.podstatus import ContainerRecord, StatusBoard
from rhaii_tui.practice.actors.probes import Prober
from rhaii_tui.practice.actors.processes.base import Place
from rhaii_tui.practice.actors.volumes import config_error

if TYPE_CHECKING:
    from rhaii_tui.practice.actors.processes.base import Process
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.world import World

# Back-off of pulls and restarts, in cloud seconds: from 10 s, doubling, to 5 min; forgotten after 10 min of running.
FIRST_BACKOFF, LONGEST_BACKOFF, FORGET_AFTER = 10.0, 300.0, 600.0


@dataclass(frozen=True)
class Host:
    """What a container needs from its surroundings."""

    world: World
    cluster: KubeCluster
    images: Images
    pod: Obj
    board: StatusBoard
    pace: float

    def event(self, type_: str, reason: str, message: str) -> None:
        """A kubelet event about the pod; none from a silent node."""
        if self.world.faults.struck("node-lost", "node", self.pod["spec"]["nodeName"]):
            return
        self.cluster.store.event(self.pod, type_, reason, message, "kubelet")


class ContainerLife:
    """Runs one container until it will not run again; `stop` ends it gracefully."""

    def __init__(self, host: Host, record: ContainerRecord) -> None:
        self._host = host
        self._record = record
        self._stopping = asyncio.Event()
        self._process: Process | None = None

    def stop(self) -> None:
        """SIGTERM: the pod is being deleted."""
        if self._record.running:
            self._host.event("Normal", "Killing", f"Stopping container {self._record.name}")
        self._stopping.set()

    async def run(self) -> None:
        """Until the restart policy lets it rest, or stopped."""
        clock, policy = self._host.world.clock, self._policy()
        backoff = 0.0
        while not self._stopping.is_set():
            if not await self._prepared():
                return
            began = clock.monotonic()
            code, why = await self._run_once()
            self._record.end(code, why)
            self._host.board.publish()
            if self._stopping.is_set() or policy == "Never" or (code == 0 and policy == "OnFailure"):
                self._host.cluster.logs.close(self._host.pod["metadata"]["uid"], self._record.name)
                return
            if clock.monotonic() - began > FORGET_AFTER:
                backoff = 0.0
            await self._pause(1.5)
            if backoff:
                await self._back_off(backoff)
            backoff = min(LONGEST_BACKOFF, max(FIRST_BACKOFF, backoff * 2))

    def _policy(self) -> str:
        policy = str(self._host.pod["spec"].get("restartPolicy", "Always"))
        # An init container that succeeded has done its work, whatever the pod's policy.
        return "OnFailure" if self._record.init and policy == "Always" else policy

    async def _pause(self, seconds: float) -> bool:
        """Let cloud seconds pass. True when stopped meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds / self._host.world.clock.rate)
        except TimeoutError:
            return False
        return True

    async def _prepared(self) -> bool:
        """Image here and configuration complete. False when stopped before that."""
        pulling = asyncio.create_task(self._pulled())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((pulling, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:  # the pod may be cut off in the middle of a pull
            for task in (pulling, stopping):
                task.cancel()
            await asyncio.gather(pulling, stopping, return_exceptions=True)
        if self._stopping.is_set():
            return False
        while text := config_error(self._host.cluster.store, self._host.pod, self._record.spec):
            self._host.event("Warning", "Failed", f"Error: {text}")
            self._record.wait("CreateContainerConfigError", text)
            self._host.board.publish()
            if await self._pause(12.0):
                return False
        return True

    async def _pulled(self) -> None:
        host, image, backoff = self._host, self._record.spec["image"], FIRST_BACKOFF
        always = image.endswith(":latest") or ":" not in image.rsplit("/", 1)[-1]
        policy = self._record.spec.get("imagePullPolicy", "Always" if always else "IfNotPresent")
        if policy != "Always" and host.images.present(host.pod["spec"]["nodeName"], image):
            host.event("Normal", "Pulled", f'Container image "{image}" already present on machine')
            return
        while True:
            host.event("Normal", "Pulling", f'Pulling image "{image}"')
            began = host.world.clock.monotonic()
            try:
                pulled = await host.images.pull(host.pod, image)
            except PullFailed as failure:
                await host.world.clock.sleep(1.0)
                await self._pull_refused(image, str(failure), backoff)
                backoff = min(LONGEST_BACKOFF, backoff * 2)
                continue
            waited = duration(host.world.clock.monotonic() - began)
            took = duration(pulled.seconds or 0.5)
            text = f'Successfully pulled image "{image}" in {took} ({waited} including waiting).'
            host.event("Normal", "Pulled", f"{text} Image size: {pulled.size} bytes.")
            return

    async def _pull_refused(self, image: str, failure: str, backoff: float) -> None:
        host, record = self._host, self._record
        if missing := host.images.missing_secrets(host.pod):
            text = "attempting to pull the image may not succeed."
            names = ", ".join(missing)
            host.event(
                "Warning",
                "FailedToRetrieveImagePullSecret",
                f"Unable to retrieve some image pull secrets ({names}); {text}",
            )
        host.event("Warning", "Failed", f'Failed to pull image "{image}": {failure}')
        host.event("Warning", "Failed", "Error: ErrImagePull")
        record.wait("ErrImagePull", failure)
        host.board.publish()
        await host.world.clock.sleep(min(12.0, backoff - 1))
        host.event("Normal", "BackOff", f'Back-off pulling image "{image}"')
        host.event("Warning", "Failed", "Error: ImagePullBackOff")
        record.wait("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {failure}')
        host.board.publish()
        await host.world.clock.sleep(max(1.0, backoff - 12.0))

    async def _run_once(self) -> tuple[int, str]:
        """Start the process, watch over it. Returns exit code and reason."""
        host, record = self._host, self._record
        uid = host.pod["metadata"]["uid"]
        await host.world.clock.sleep(9.0 * host.pace if is_engine(record.spec["image"]) else 1.0)
        if record.run_id:
            host.cluster.logs.restart(uid, record.name)
        process = processes.choose(Place(host.world, host.cluster, host.pod, record.spec, host.pace))
        record.run(f"containerd://{uuid.uuid4().hex}{uuid.uuid4().hex}")
        self._mark_started(record.init or "startupProbe" not in record.spec)
        host.event("Normal", "Created", f"Container created: {record.name}")
        host.event("Normal", "Started", f"Container started: {record.name}")
        return await self._supervise(process)

    def _mark_started(self, started: bool) -> None:
        self._record.started = started
        self._host.board.publish()

    def _mark_ready(self, ready: bool) -> None:
        self._record.ready = ready
        self._host.board.publish()

    async def _supervise(self, process: Process) -> tuple[int, str]:
        host, record = self._host, self._record

        def unhealthy(kind: str, text: str) -> None:
            host.event("Warning", "Unhealthy", f"{kind} probe failed: {text}")

        prober = Prober(
            host.world.clock,
            process,
            record.spec,
            host.board.pod_ip,
            report=unhealthy,
            started=lambda: self._mark_started(True),
            ready=self._mark_ready,
        )
        main = asyncio.create_task(process.main())
        stopping = asyncio.create_task(self._stopping.wait())
        waits: set[asyncio.Task[object]] = {main, stopping}
        probing = None if record.init else asyncio.create_task(prober.run())
        if probing is not None:
            waits.add(probing)
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if main.done():
                code = main.result()
                return code, "OOMKilled" if code == 137 else "Error" if code else "Completed"
            if probing is not None and probing.done():
                text = f"Container {record.name} failed {probing.result()} probe, will be restarted"
                host.event("Normal", "Killing", text)
            code = await process.terminate()
            return code, "Error" if code else "Completed"
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            process.close()

    async def _back_off(self, seconds: float) -> None:
        host, record = self._host, self._record
        meta = host.pod["metadata"]
        where = f"{meta['name']}_{meta['namespace']}({meta['uid']})"
        host.event("Warning", "BackOff", f"Back-off restarting failed container {record.name} in pod {where}")
        text = f"back-off {duration(seconds)} restarting failed container={record.name} pod={where}"
        record.wait("CrashLoopBackOff", text)
        host.board.publish()
        await self._pause(seconds)


def duration(seconds: float) -> str:
    """As Go writes it: `512ms`, `10s`, `2m3.5s`, `5m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".")
    return f"{int(minutes)}m{text}s" if minutes else f"{text}s"
