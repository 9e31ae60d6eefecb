"""A scripted run for the screens: a real session on disk, fed with events instead of a cloud."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from rhaii_tui.catalog.findings import Command, Evidence, Finding, Next, Status
from rhaii_tui.clock import Clock
from rhaii_tui.deployment import events as e
from rhaii_tui.endpoints import Endpoints
from screens.app import RhaiiApp

NOWHERE = "http://127.0.0.1:9"
PODS = ("qwen-3b-gpu-svc-kserve-7d9f-x7k2p", "qwen-3b-gpu-svc-kserve-7d9f-q4mzt", "qwen-3b-gpu-svc-kserve-7d9f-b9w8c")


def endpoints() -> Endpoints:
    """A cloud that nobody serves: fine for everything that does not ask it."""
    return Endpoints(
        name="practice:scripted",
        container=NOWHERE,
        compute=NOWHERE,
        cloudquotas=NOWHERE,
        serviceusage=NOWHERE,
        resourcemanager=NOWHERE,
        billing=NOWHERE,
        clock=Clock(60.0),
        project="practice-project",
        trust_env=False,
    )


@asynccontextmanager
async def _connected() -> AsyncIterator[Endpoints]:
    yield endpoints()


def connect() -> AbstractAsyncContextManager[Endpoints]:
    """What the application opens."""
    return _connected()


def make_app(home: Path) -> RhaiiApp:
    """The application on that cloud."""
    app = RhaiiApp(connect, home, practice=True)
    app.animation_level = "none"
    return app


class Script:
    """Writes events into the app's session; `at` moves in cloud seconds."""

    def __init__(self, app: RhaiiApp) -> None:
        self.app = app
        self.begun = time.time() - 30
        self.cloud = 0.0

    async def open(self) -> None:
        """Open the session of the current answers, approved."""
        await self.app.journey.open(self.app.journey.target())
        self.record(lambda at: e.Approved(at=at, by="script"))

    def record(self, make: Callable[[float], e.Event]) -> None:
        """One event now."""
        session = self.app.journey.session
        assert session is not None
        session.record(make(self.begun + self.cloud / 60))

    def step(self, name: str, start: float, end: float | None, note: str = "") -> None:
        """A step from cloud second `start` to `end`."""
        self.cloud = start
        self.record(lambda at: e.StepStarted(at=at, step=name))
        if end is not None:
            self.cloud = end
            self.record(lambda at: e.StepFinished(at=at, step=name, note=note))

    def until_replicas(self) -> None:
        """Everything before the replicas is done."""
        self.step("apis", 0, 5, "already enabled")
        self.step("cluster", 5, 380, "RUNNING, 1.33.4-gke.1350000")
        self.cloud = 380
        self.record(lambda at: e.ResourceCreated(at=at, step="cluster", kind="Cluster", name="rhaii-gpu-cluster"))
        self.step("connect", 380, 384)
        self.step("namespace", 384, 386)
        self.step("secrets", 386, 389)
        self.step("pool", 380, 720, "3 nodes")
        self.record(lambda at: e.ResourceCreated(at=at, step="pool", kind="NodePool", name="gpu-pool"))
        self.step("operators", 384, 800)
        self.step("accelerators", 720, 850, "3 of 3 nodes Ready with nvidia.com/gpu")
        self.step("gateway", 800, 890, "127.0.0.1")
        self.step("service", 890, 900)
        self.step("routes", 900, None)
        self.step("replicas", 900, None)

    def replica(self, number: int, status: str, ready: str, *, is_ready: bool = False, restarts: int = 0) -> None:
        """One look at a replica."""
        self.record(
            lambda at: e.ReplicaObserved(
                at=at,
                pod=PODS[number],
                uid=f"uid-{number}",
                status=status,
                ready=ready,
                restarts=restarts,
                is_ready=is_ready,
                node=f"gke-rhaii-gpu-pool-{number}",
                created_at=self.begun + 900 / 60,
            )
        )

    def milestones(self, number: int, *reached: tuple[str, float]) -> None:
        """Stages of a replica with the cloud second they were reached."""
        for stage, cloud in reached:
            self.cloud = cloud
            self.record(
                lambda at, stage=stage: e.MilestoneReached(  # type: ignore[misc]
                    at=at, pod=PODS[number], stage=stage, text=f"{stage} seen", source="log"
                )
            )

    def replicas_starting(self) -> None:
        """Three replicas in three different places of their start."""
        road = (("scheduled", 902.0), ("initializing", 905.0), ("downloading", 910.0), ("pulling", 960.0))
        for number in range(3):
            self.replica(number, "Running", "1/2")
            self.milestones(number, *road)
        self.milestones(0, ("starting", 1010), ("loading", 1030), ("compiling", 1060))
        self.record(lambda at: e.CompileProgressed(at=at, pod=PODS[0], what="CUDA graph", done=21, total=35))
        self.milestones(1, ("starting", 1012), ("loading", 1033))
        for condition, status in (("WorkloadsReady", "False"), ("RouterReady", "False"), ("PresetsCombined", "True")):
            self.record(
                lambda at, c=condition, s=status: e.ConditionObserved(  # type: ignore[misc]
                    at=at, kind="LLMInferenceService", name="qwen", condition=c, status=s, reason="MinimumReplicas"
                )
            )
        self.record(
            lambda at: e.ConditionObserved(at=at, kind="Gateway", name="gw", condition="Programmed", status="True")
        )
        self.record(
            lambda at: e.ClusterEventSeen(
                at=at,
                uid="1",
                level="Warning",
                reason="FailedScheduling",
                object="Pod/x7k2p",
                message="0/5 nodes",
                count=3,
            )
        )
        self.log(40)

    def log(self, count: int) -> None:
        """vLLM-like lines of the first replica."""
        session = self.app.journey.session
        assert session is not None
        session.logbook.extend(
            f"{PODS[0]}/main",
            [
                f"INFO 03-11 12:00:{i % 60:02d} [gpu_model_runner.py:2602] Capturing graph {i} [{i}/40]"
                for i in range(count)
            ],
        )

    def ready(self) -> None:
        """The service is ready and the run done."""
        for number in range(3):
            self.replica(number, "Running", "2/2", is_ready=True)
            self.milestones(number, ("warming", 1100 + number), ("ready", 1120 + number))
        for name in ("replicas", "routes", "routing", "policies", "verify"):
            self.cloud = 1130
            self.record(lambda at, n=name: e.StepStarted(at=at, step=n))  # type: ignore[misc]
            self.cloud = 1140
            self.record(lambda at, n=name: e.StepFinished(at=at, step=n))  # type: ignore[misc]
        self.record(
            lambda at: e.ServiceReady(
                at=at,
                url="http://127.0.0.1:8080/rhaii-inference/qwen-3b-gpu-svc",
                model="Qwen/Qwen2.5-3B-Instruct",
                replicas=3,
                replicas_ready=3,
            )
        )
        self.record(lambda at: e.RunStopped(at=at, outcome="done"))

    def quota_failure(self) -> None:
        """The pool step stops for want of quota."""
        self.step("cluster", 5, 380)
        self.step("pool", 380, None)
        self.cloud = 400
        finding = quota_finding(time.time())
        self.record(lambda at: e.StepFailed(at=at, step="pool", finding=finding))
        self.record(lambda at: e.RunStopped(at=at, outcome="failed"))


def quota_finding(at: float) -> Finding:
    """What a missing GPU quota looks like."""
    return Finding(
        rule="quota",
        category="quota",
        name="GPUS_ALL_REGIONS",
        status=Status.FAIL,
        message="GPUS_ALL_REGIONS is 0, 3 are needed",
        meaning="The project may not create GPUs anywhere until Google raises this quota.",
        remediation="Ask for 3 or more on the quota page, then retry.",
        next_key=Next.RETRY,
        commands=(
            Command(text="gcloud compute project-info describe --project practice-project", why="see the quota"),
        ),
        evidence=(Evidence(source="compute projects.get quotas", text="limit 0.0, usage 0.0", observed_at=at),),
        raw="Quota 'GPUS_ALL_REGIONS' exceeded. Limit: 0.0 globally.",
        observed_at=at,
    )


def text_of(app: RhaiiApp) -> list[str]:
    """The screen as lines of text."""
    width, height = app.size
    lines = [[" "] * width for _ in range(height)]
    for y, strips in enumerate(app.screen._compositor.render_strips()):
        text = strips.text
        lines[y] = list(text[:width].ljust(width))
    return ["".join(line) for line in lines]


async def settled(pilot: Pilot[int]) -> None:
    """Connected, painted, nothing left to do."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def deployed(app: RhaiiApp, pilot: Pilot[int]) -> Script:
    """On the deploy screen with an open session."""
    await settled(pilot)
    script = Script(app)
    await script.open()
    await app.push_screen("deploy")
    await pilot.pause()
    return script


async def painted(app: RhaiiApp, pilot: Pilot[int]) -> list[str]:
    """The newest state on screen: what the bridge would deliver a little later is delivered now."""
    app.bridge._deliver()
    await pilot.pause()
    await pilot.pause()
    return text_of(app)
