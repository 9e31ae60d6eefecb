"""Whole roads on a practice cloud of its own process, hundreds of times as fast as life."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.applying import apply
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.reduce import critical_path_seconds
from rhaii_tui.deployment.session import Session
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.kube.connect import Cluster
from rhaii_tui.serving import manifests
from rhaii_tui.settings import resolve

pytestmark = [pytest.mark.road, pytest.mark.wire]

LIMIT = 100.0


class Cloud:
    """A practice cloud's endpoints, its fault switch, and sessions on it."""

    def __init__(self, practice: object, home: Path) -> None:
        self._control = str(practice.line["control"])  # type: ignore[attr-defined]
        self.endpoints: Endpoints = practice_cloud(practice.descriptor_path)  # type: ignore[attr-defined]
        self.home = home

    async def fault(self, name: str, on: bool) -> None:
        body = json.dumps({"on": on}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._control}/faults/{name}", body, headers, method="POST")
        await asyncio.to_thread(lambda: urllib.request.urlopen(request, timeout=10).read())

    async def session(self, topology: str = "scale-out") -> Session:
        flags = {"accelerator": "gpu", "topology": topology}
        target = resolve(flags, self.endpoints, {}, self.home).target()
        session = await Session.open(target, self.endpoints, self.home)
        session.approve("test")
        return session


@pytest.fixture
async def cloud(practice_factory: Callable[..., object], tmp_path: Path) -> Cloud:
    return Cloud(await asyncio.to_thread(practice_factory, 600), tmp_path)


def _failed(state: RunState) -> dict[str, str]:
    return {s.spec.id: s.finding.rule for s in state.steps if s.status == "failed" and s.finding}


async def test_faults_stop_the_road_with_one_finding_and_retry_continues_it(cloud: Cloud) -> None:
    for name in ("gpu-quota-zero", "hf-token-missing", "pull-secret-bad"):
        await cloud.fault(name, True)
    session = await cloud.session()
    stops: list[dict[str, str]] = []
    for lifted in ("gpu-quota-zero", "hf-token-missing", "pull-secret-bad"):
        state = await asyncio.wait_for(session.run(), LIMIT)
        assert state.outcome == "failed"
        stops.append(_failed(state))
        finding = next(s.finding for s in state.steps if s.status == "failed")
        assert finding is not None
        assert finding.meaning
        assert finding.remediation
        assert finding.next_key == "retry"
        await cloud.fault(lifted, False)
        session.retry()
    assert stops == [
        {"pool": "google.quota"},
        {"replicas": "replica.hub-token"},
        {"replicas": "replica.pull-credentials"},
    ]
    state = await asyncio.wait_for(session.run(), LIMIT)
    assert state.outcome == "done"
    assert state.replicas_ready == 3
    assert state.findings == ()
    assert {s.status for s in state.steps} <= {"done", "already"}
    await _misspelt(cloud, session)
    await session.close()


async def _misspelt(cloud: Cloud, session: Session) -> None:
    """On the cloud that is there already: a wrong field is the manifest's mistake, told by its path."""
    document = manifests.service(session.plan.target)
    document["spec"]["replikas"] = document["spec"].pop("replicas")
    happened: list[e.Event] = []
    context = RunContext(
        session.plan.target, cloud.endpoints, cloud.home, LogBook(), happened.append, lambda: session.state
    )
    info = await context.gke.get_cluster(session.plan.target.zone, session.plan.target.cluster)
    await context.adopt_connection(await Cluster.from_gke(info.endpoint, info.ca_pem, cloud.endpoints))
    with pytest.raises(StepStopped) as stopped:
        await anext(aiter(apply(context, "service", document)))
    await context.close()
    finding = stopped.value.finding
    assert finding.rule == "manifest.mistake"
    assert "spec.replikas" in finding.message
    assert finding.category == "manifest"
    assert happened == []


async def test_bad_weather_heals_by_itself_and_leaves_no_gaps(cloud: Cloud) -> None:
    session = await cloud.session("baseline")
    plan = {"connect": ("api-503-burst", 1.0), "replicas": ("api-restart", 1.5), "routes": ("watch-410", 3.0)}
    storms: list[asyncio.Task[None]] = []
    links: list[str] = []

    async def storm(name: str, seconds: float) -> None:
        await cloud.fault(name, True)
        await asyncio.sleep(seconds)
        await cloud.fault(name, False)

    def listen(event: e.Event, state: RunState) -> None:
        if isinstance(event, e.StepStarted) and event.step in plan:
            storms.append(asyncio.create_task(storm(*plan.pop(event.step))))
        if isinstance(event, e.LinkLost):
            links.append(event.link)

    session.subscribe(listen)
    state = await asyncio.wait_for(session.run(), LIMIT)
    await asyncio.gather(*storms)
    assert state.outcome == "done"
    assert not plan
    assert links
    assert state.lost_links == ()
    assert {s.attempts for s in state.steps} == {1}
    assert state.approved_at is not None
    assert state.ready_at is not None
    cloud_seconds = (state.ready_at - state.approved_at) * state.rate
    assert cloud_seconds / critical_path_seconds(state) <= 1.15
    await session.close()


async def test_every_replica_is_followed_through_its_start(cloud: Cloud) -> None:
    session = await cloud.session()
    state = await asyncio.wait_for(session.run(), LIMIT)
    await session.close()
    replicas = [r for r in state.replicas if r.role == "replica"]
    assert len(replicas) == 3
    for replica in replicas:
        assert (replica.status, replica.ready, replica.stage) == ("Running", "1/1", "ready")
        reached = {m.stage for m in replica.milestones}
        assert {"scheduled", "downloading", "pulling", "starting", "loading", "compiling", "ready"} <= reached
        assert replica.compile_done > 0
        assert session.logbook.lines(f"{replica.pod}/main")
    assert session.logbook.lines("operators")
    kinds = {c.kind for c in state.conditions}
    assert {"Gateway", "HTTPRoute", "InferencePool", "LLMInferenceService"} <= kinds
    assert state.events
    assert state.pending_intents == ()
    assert not list(session.folder.rglob("kubeconfig"))
