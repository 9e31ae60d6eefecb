"""What enters the ledger: only what this run has made, not what was there before nor what somebody was faster with."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from wire import Running, Wire

from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.target import Target
from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.applying import put
from rhaii_tui.deployment.context import RunContext, intends
from rhaii_tui.deployment.logbook import LogBook
from rhaii_tui.deployment.plan import Plan
from rhaii_tui.deployment.reduce import reduce
from rhaii_tui.deployment.state import RunState
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.deployment.steps.cluster import ClusterStep
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.kube.connect import Cluster

CLUSTER, ZONE, RUN = "shared-tools", "us-central1-b", "20261120-000000-0001"
MAPS = "/api/v1/namespaces/default/configmaps"


class Begun:
    """A run that has begun on a place; `hears` is told of each event when it is on disk, before what it announces."""

    def __init__(self, target: Target, endpoints: Endpoints, folder: Path) -> None:
        plan = Plan(target=target, steps=(), bill=Bill(region=target.region, provisioning="on-demand", components=()))
        begun = e.RunStarted(at=time.time(), run=RUN, cloud=endpoints.name, rate=600, plan=plan)
        self.state = reduce(RunState(), begun)
        self.hears: Callable[[e.Event], None] = lambda event: None
        log = LogBook(folder / "logs")
        self.context = RunContext(target, endpoints, folder, log, self.record, lambda: self.state)

    def record(self, event: e.Event) -> None:
        self.state = reduce(self.state, event)
        self.hears(event)

    async def do(self, events: AsyncIterator[e.Event]) -> None:
        async for event in events:
            self.record(event)

    def owned(self) -> set[tuple[str, str]]:
        return {(x.kind, x.name) for x in (*self.state.ledger, *self.state.pending_intents)}


@pytest.fixture
def endpoints(practice: Running) -> Endpoints:
    return practice_cloud(Path(practice.line["descriptor"]))


@pytest.fixture
def wire(practice: Running) -> Wire:
    return Wire(practice)


@pytest.fixture
async def run(endpoints: Endpoints, target: Target, tmp_path: Path) -> AsyncIterator[Begun]:
    where = target.model_copy(update={"project": endpoints.project, "zone": ZONE, "cluster": CLUSTER})
    begun = Begun(where, endpoints, tmp_path)
    info = await begun.context.gke.get_cluster(ZONE, CLUSTER)
    await begun.context.adopt_connection(await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints))
    yield begun
    await begun.context.close()


def config_map(name: str, **data: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


async def test_what_was_absent_is_ours_with_its_uid(run: Begun, wire: Wire) -> None:
    await run.do(put(run.context, "gateway", config_map("absent", ours="1")))
    (entry,) = run.state.ledger
    assert (entry.kind, entry.name) == ("ConfigMap", "default/absent")
    assert entry.uid == wire.kube(CLUSTER, "GET", f"{MAPS}/absent")["metadata"]["uid"]
    await run.do(put(run.context, "gateway", config_map("absent", ours="2")))
    assert [x.uid for x in run.state.ledger] == [entry.uid], "a second look changes nothing"


async def test_what_was_there_before_is_changed_and_stays_theirs(run: Begun, wire: Wire) -> None:
    wire.kube(CLUSTER, "POST", MAPS, config_map("theirs", theirs="1"))
    await run.do(put(run.context, "gateway", config_map("theirs", ours="1")))
    assert wire.kube(CLUSTER, "GET", f"{MAPS}/theirs")["data"] == {"theirs": "1", "ours": "1"}
    assert run.owned() == set()


async def test_what_somebody_was_faster_with_is_theirs(run: Begun, wire: Wire) -> None:
    def faster(event: e.Event) -> None:
        if isinstance(event, e.IntentRecorded) and not event.existing:
            wire.kube(CLUSTER, "POST", MAPS, config_map("raced", theirs="1"))

    run.hears = faster
    await run.do(put(run.context, "gateway", config_map("raced", ours="1")))
    assert run.owned() == set()


async def test_a_namesake_of_what_we_made_is_theirs(run: Begun, wire: Wire) -> None:
    await run.do(put(run.context, "gateway", config_map("again", ours="1")))
    (entry,) = run.state.ledger
    wire.kube(CLUSTER, "DELETE", f"{MAPS}/again")
    wire.kube(CLUSTER, "POST", MAPS, config_map("again", theirs="1"))
    await run.do(put(run.context, "gateway", config_map("again", ours="1")))
    assert run.state.ledger == (entry,), "the ledger goes on naming the one that is gone"


async def test_killed_between_the_apply_and_its_answer_it_is_still_ours(run: Begun, wire: Wire) -> None:
    run.record(intends("gateway", "apply", "ConfigMap", "default/cut-off"))
    await run.context.kube.apply(config_map("cut-off", ours="1"))
    await run.do(put(run.context, "gateway", config_map("cut-off", ours="1")))
    assert [x.name for x in run.state.ledger] == ["default/cut-off"]


async def test_killed_before_the_apply_what_others_made_since_is_theirs(run: Begun, wire: Wire) -> None:
    run.record(intends("gateway", "apply", "ConfigMap", "default/since"))
    wire.kube(CLUSTER, "POST", MAPS, config_map("since", theirs="1"))
    await run.do(put(run.context, "gateway", config_map("since", ours="1")))
    assert run.owned() == set()


@pytest.mark.parametrize(
    ("name", "labels", "refused"),
    [("unlabelled", {}, True), ("labelled", {"managed-by": "rhaii-tui", "rhaii-tui-run": "another"}, False)],
)
async def test_a_cluster_that_somebody_was_faster_with_is_theirs(
    endpoints: Endpoints, target: Target, wire: Wire, tmp_path: Path, name: str, labels: dict[str, str], refused: bool
) -> None:
    run = Begun(target.model_copy(update={"project": endpoints.project, "cluster": name}), endpoints, tmp_path)

    def faster(event: e.Event) -> None:
        if isinstance(event, e.IntentRecorded) and not event.existing:
            where = f"/v1/projects/{wire.project}/locations/{target.zone}/clusters"
            pools = [{"name": "default-pool", "initialNodeCount": 1}]
            wire.google("POST", where, {"cluster": {"name": name, "resourceLabels": labels, "nodePools": pools}})

    run.hears = faster
    try:
        await run.do(ClusterStep().act(run.context))
        stopped = ""
    except StepStopped as stop:
        stopped = stop.finding.rule
    assert stopped == ("cluster.foreign" if refused else "")
    assert run.owned() == set()


async def test_a_cluster_that_we_asked_for_is_ours_with_its_id(
    endpoints: Endpoints, target: Target, wire: Wire, tmp_path: Path
) -> None:
    run = Begun(target.model_copy(update={"project": endpoints.project, "cluster": "ours"}), endpoints, tmp_path)
    await run.do(ClusterStep().act(run.context))
    (entry,) = run.state.ledger
    found = wire.google("GET", f"/v1/projects/{wire.project}/locations/{target.zone}/clusters/ours")
    assert entry.uid == found["id"]
    assert found["resourceLabels"] == {"managed-by": "rhaii-tui", "rhaii-tui-run": RUN}
