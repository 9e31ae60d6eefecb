"""Deployments as kubectl's rollout sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actors_stage import CPU_POOL, Obj, Stage, conditions, reason, stage
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.practice.actors.foreign import NAME, NAMESPACE, foreign_workloads
from rhaii_tui.practice.actors.workloads import bounds


def deployment(replicas: int = 2, image: str = "example.com/app:1", **spec: Any) -> Obj:
    labels = {"app": "d"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def read(s: Stage) -> Obj:
    found: Obj = s.store.get("Deployment", "default", "d")
    return found


def rolled_out(s: Stage) -> bool:
    """kubectl rollout status's own rule."""
    d = read(s)
    status, wanted = d.get("status") or {}, d["spec"]["replicas"]
    return (
        status.get("observedGeneration") == d["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )


def change_image(s: Stage, image: str) -> None:
    s.store.update(
        "Deployment", "default", "d", lambda d: d["spec"]["template"]["spec"]["containers"][0].update(image=image)
    )


async def test_a_template_that_comes_back_is_the_newest_revision(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.store.create(deployment())
        await s.until(lambda: rolled_out(s), "Deployment")
        [first] = s.store.list("ReplicaSet")
        for image, revision in (("example.com/app:2", "2"), ("example.com/app:1", "3")):
            change_image(s, image)
            await s.until(lambda: rolled_out(s), "Deployment")
            assert read(s)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == revision
        revisions = {r["metadata"]["name"]: r["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
                     for r in s.store.list("ReplicaSet")}  # fmt: skip
        assert revisions.pop(first["metadata"]["name"]) == "3"
        assert list(revisions.values()) == ["2"]


async def test_a_new_deployment_becomes_available(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        s.store.create(deployment())
        await s.until(lambda: reason(read(s), "Progressing") == "ReplicaSetUpdated", "Deployment")
        assert reason(read(s), "Available") == "MinimumReplicasUnavailable"
        await s.nodes(CPU_POOL, 1)
        await s.until(lambda: rolled_out(s), "Deployment")
        d = read(s)
        assert (reason(d, "Available"), reason(d, "Progressing")) == (
            "MinimumReplicasAvailable",
            "NewReplicaSetAvailable",
        )
        (replica_set,) = s.store.list("ReplicaSet")
        assert s.messages("ScalingReplicaSet") == [
            f"Scaled up replica set {replica_set['metadata']['name']} from 0 to 2"
        ]
        assert all(m.startswith("Created pod: d-") for m in s.messages("SuccessfulCreate"))


async def test_scaling_both_ways(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.store.create(deployment(1))
        await s.until(lambda: rolled_out(s), "Deployment")
        for wanted in (4, 0, 2):
            s.store.update("Deployment", "default", "d", lambda d, n=wanted: d["spec"].update(replicas=n))
            await s.until(lambda n=wanted: rolled_out(s) and len(s.store.list("Pod")) == n, "Deployment", "Pod")
        assert len(s.store.list("ReplicaSet")) == 1


async def test_a_rolling_update_never_falls_below_its_bounds(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.store.create(deployment(4))
        await s.until(lambda: rolled_out(s), "Deployment")
        change_image(s, "example.com/app:2")
        available: list[int] = []

        def done() -> bool:
            available.append(read(s)["status"].get("availableReplicas", 0))
            return rolled_out(s)

        await s.until(done, "Deployment")
        assert min(available) >= 3
        await s.until(lambda: len(s.store.list("Pod")) == 4, "Pod", "Event")
        assert {p["spec"]["containers"][0]["image"] for p in s.store.list("Pod")} == {"example.com/app:2"}
        assert read(s)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


async def test_recreate_ends_the_old_before_the_new(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        s.store.create(deployment(2, strategy={"type": "Recreate"}))
        await s.until(lambda: rolled_out(s), "Deployment")
        change_image(s, "example.com/app:2")

        def mixed() -> bool:
            images = {
                p["spec"]["containers"][0]["image"]
                for p in s.store.list("Pod")
                if "deletionTimestamp" not in p["metadata"]
            }
            assert len(images) < 2
            return rolled_out(s)

        await s.until(mixed, "Deployment", "Pod")


async def test_an_update_without_room_passes_its_deadline(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        s.store.create(deployment(1, progressDeadlineSeconds=120))
        await s.until(lambda: reason(read(s), "Progressing") == "ProgressDeadlineExceeded", "Deployment")
        condition = next(c for c in read(s)["status"]["conditions"] if c["type"] == "Progressing")
        assert condition["message"].endswith("has timed out progressing.")
        await s.nodes(CPU_POOL, 1)
        await s.until(lambda: reason(read(s), "Progressing") == "NewReplicaSetAvailable", "Deployment")


async def test_a_missing_service_account_is_said_at_the_replica_set(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 1)
        made = deployment(1)
        made["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
        s.store.create(made)
        await s.until(lambda: conditions(read(s)).get("ReplicaFailure") == "True", "Deployment")
        assert 'serviceaccount "nobody" not found' in s.messages("FailedCreate")[0]
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": "default"}}
        s.store.create(account)
        await s.until(lambda: rolled_out(s), "Deployment")
        assert "ReplicaFailure" not in conditions(read(s))


async def test_the_neighbours_workload_runs(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.nodes(CPU_POOL, 2)
        await foreign_workloads(s.world, s.cluster)
        await foreign_workloads(s.world, s.cluster)
        await s.until(lambda: s.available(NAMESPACE, NAME), "Deployment")
        assert s.store.get("Service", NAMESPACE, NAME)["spec"]["clusterIP"]
        s.store.delete("Namespace", None, NAMESPACE)
        await s.until(lambda: s.store.get("Namespace", None, NAMESPACE) is None, "Namespace", "Pod", "Event")


@given(
    st.one_of(st.integers(0, 10), st.integers(0, 100).map(lambda n: f"{n}%")),
    st.one_of(st.integers(0, 10), st.integers(0, 100).map(lambda n: f"{n}%")),
    st.integers(0, 50),
)
def test_a_rollout_can_always_move(surge: int | str, unavailable: int | str, desired: int) -> None:
    up, down = bounds({"maxSurge": surge, "maxUnavailable": unavailable}, desired)
    assert up >= 0
    assert down >= 0
    assert up + down > 0
