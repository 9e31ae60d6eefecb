"""The GKE and Compute clients against the practice cloud: create, be refused, resize, delete, wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from rhaii_tui.catalog.prices import shipped
from rhaii_tui.catalog.shapes import Accelerator, Topology
from rhaii_tui.catalog.target import Target
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.google.billing import kept_prices, live_prices
from rhaii_tui.google.compute import Compute
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.gke import Gke
from rhaii_tui.google.operations import wait
from rhaii_tui.google.projects import held_permissions, service_states
from rhaii_tui.google.quotas import quota_limit
from rhaii_tui.google.rest import Rest

pytestmark = pytest.mark.wire


@pytest.fixture
def cloud(practice) -> Endpoints:  # type: ignore[no-untyped-def]
    return practice_cloud(practice.descriptor_path)


def target(cloud: Endpoints, **changes: object) -> Target:
    fields: dict[str, object] = {
        "accelerator": Accelerator.GPU_T4, "topology": Topology.SCALE_OUT, "project": cloud.project,
        "zone": "us-central1-a", "cluster": "wire-test", "pool": "gpu-pool", "namespace": "n", "service": "s",
        "replicas": 2, "model": "m", "image": "i",
    }  # fmt: skip
    return Target(**{**fields, **changes})  # type: ignore[arg-type]


async def test_the_life_of_a_cluster(cloud: Endpoints) -> None:
    wanted = target(cloud)
    gke = Gke(cloud, wanted.project)
    with pytest.raises(CloudError) as caught:
        await gke.get_cluster(wanted.zone, wanted.cluster)
    assert caught.value.kind is Kind.NOT_FOUND

    creating = await gke.create_cluster(wanted, {"run": "r1"})
    assert creating.type == "CREATE_CLUSTER"
    assert creating.targets(f"clusters/{wanted.cluster}")
    with pytest.raises(CloudError) as caught:
        await gke.create_cluster(wanted, {})
    assert caught.value.kind is Kind.EXISTS
    seen: set[str] = set()
    await wait(gke, creating, cloud.clock, progress=lambda o: seen.update(o.progress))
    cluster = await gke.get_cluster(wanted.zone, wanted.cluster)
    assert cluster.status == "RUNNING"
    assert cluster.ours
    assert cluster.labels["run"] == "r1"
    assert cluster.ca_pem.startswith(b"-----BEGIN CERTIFICATE")
    assert cluster.dataplane_v2
    assert not cluster.gateway_api
    assert any(name.startswith("CLUSTER_") for name in seen)

    pooling = await gke.create_node_pool(wanted, {"run": "r1"})
    with pytest.raises(CloudError) as caught:
        await gke.set_node_pool_size(wanted.zone, wanted.cluster, "default-pool", 3)
    assert caught.value.kind is Kind.BUSY
    assert caught.value.operation == pooling.name
    await wait(gke, pooling, cloud.clock)
    pool = await gke.get_node_pool(wanted.zone, wanted.cluster, wanted.pool)
    assert (pool.status, pool.accelerator, pool.provisioning) == ("RUNNING", "nvidia-tesla-t4", "on-demand")
    assert pool.labels["managed-by"] == "rhaii-tui"

    await wait(gke, await gke.set_node_pool_size(wanted.zone, wanted.cluster, wanted.pool, 0), cloud.clock)
    await wait(gke, await gke.delete_node_pool(wanted.zone, wanted.cluster, wanted.pool), cloud.clock)
    deleting = await gke.delete_cluster(wanted.zone, wanted.cluster)
    assert any(o.name == deleting.name for o in await gke.list_operations(wanted.zone))
    await wait(gke, deleting, cloud.clock)
    assert wanted.cluster not in {c.name for c in await gke.list_clusters()}


async def test_a_pool_beyond_the_quota_is_refused_with_its_figures(cloud: Endpoints) -> None:
    wanted = target(cloud, cluster="shared-tools", zone="us-central1-b", replicas=16)
    with pytest.raises(CloudError) as caught:
        await Gke(cloud, wanted.project).create_node_pool(wanted, {})
    assert caught.value.kind is Kind.QUOTA
    assert "NVIDIA_T4_GPUS" in caught.value.message


async def test_a_stockout_shows_in_the_instance_group_long_before_the_operation_ends(
    practice, cloud: Endpoints,
) -> None:  # type: ignore[no-untyped-def]  # fmt: skip
    wanted = target(cloud, cluster="dry-test", zone="us-central1-c")
    gke, compute = Gke(cloud, wanted.project), Compute(cloud, wanted.project)
    await wait(gke, await gke.create_cluster(wanted, {}), cloud.clock)
    fault = f"{practice.descriptor['control']}/faults/stockout"
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.post(fault, json={"on": True})).raise_for_status()
        told: asyncio.Queue[CloudError] = asyncio.Queue()

        async def look() -> tuple[CloudError, ...]:
            pool = await gke.get_node_pool(wanted.zone, wanted.cluster, wanted.pool)
            return await compute.group_errors(pool.instance_groups[0])

        creating = await gke.create_node_pool(wanted, {})
        waiting = asyncio.create_task(wait(gke, creating, cloud.clock, trouble=told.put_nowait, look=look))
        async with asyncio.timeout(20):
            first = await told.get()
        assert first.kind is Kind.STOCKOUT
        assert not waiting.done()
        (await client.post(fault, json={"on": False})).raise_for_status()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_questions_to_compute(cloud: Endpoints) -> None:
    compute = Compute(cloud, str(cloud.project))
    t4, v6e, zone, region, project = await asyncio.gather(
        compute.zones_with_accelerator("nvidia-tesla-t4"),
        compute.zones_with_machine("ct6e-standard-4t"),
        compute.zone("us-central1-a"),
        compute.region_quotas("us-central1"),
        compute.project_quotas(),
    )
    assert "us-central1-a" in t4
    assert "europe-west4-a" in v6e
    assert (zone.status, zone.region) == ("UP", "us-central1")
    assert region.by_metric["NVIDIA_T4_GPUS"].limit >= 3
    assert project.by_metric["GPUS_ALL_REGIONS"].limit >= 3
    with pytest.raises(CloudError) as caught:
        await compute.machine_type("us-south1-a", "n1-standard-4")
    assert caught.value.kind is Kind.NOT_FOUND


async def test_questions_over_plain_http(cloud: Endpoints, tmp_path: Path) -> None:
    project = str(cloud.project)
    rest = Rest(cloud, project)
    held = await held_permissions(rest, cloud.resourcemanager, project, ["container.clusters.create"])
    assert held == {"container.clusters.create"}
    states = await service_states(rest, cloud.serviceusage, project, ["container.googleapis.com"])
    assert states == {"container.googleapis.com": "ENABLED"}
    wanted = {"region": "europe-west4", "tpu_family": "CT6E"}
    found = await quota_limit(rest, cloud.cloudquotas, project, "TPUS-PER-TPU-FAMILY-per-project-region", wanted)
    assert found.value is not None
    assert found.value >= 12

    live = await live_prices(rest, cloud, tmp_path)
    for key in (
        ("tpu-v6e", "europe-west4", "on-demand"),
        ("nvidia-tesla-t4", "us-central1", "on-demand"),
        ("n1-standard-4", "us-central1", "on-demand"),
        ("e2-standard-4", "us-central1", "on-demand"),
    ):
        assert live.prices[key].usd == pytest.approx(shipped().get(*key).usd, abs=0.005), key
    assert kept_prices(cloud, tmp_path) == live
    (tmp_path / "prices-practice.json").write_text("{")
    assert kept_prices(cloud, tmp_path) is None
