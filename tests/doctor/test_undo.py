"""What a fix created is taken back as long as nobody else has made it theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from wire import Running, Wire

from rhaii_tui.doctor.fixing import Surgery
from rhaii_tui.doctor.notebook import Notebook
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change, Fix
from rhaii_tui.endpoints import practice_cloud
from rhaii_tui.google.gke import Gke
from rhaii_tui.kube.connect import Cluster

CLUSTER, ZONE = "shared-tools", "us-central1-b"


@pytest.mark.parametrize("touched", [False, True])
async def test_a_created_object_is_deleted_unless_others_have_changed_it(
    practice: Running, tmp_path: Path, touched: bool
) -> None:
    endpoints, wire = practice_cloud(Path(practice.line["descriptor"])), Wire(practice)
    info = await Gke(endpoints, wire.project).get_cluster(ZONE, CLUSTER)
    meta = {"name": f"made-{touched}".lower(), "namespace": "default"}
    path = f"/api/v1/namespaces/default/configmaps/{meta['name']}"
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}}
    fix = Fix("make it", changes=(Change("apply", "ConfigMap", "default", meta["name"], made),))
    place = Place("default", "a-service", wire.project, ZONE, CLUSTER)
    cluster = await Cluster.from_gke(info.endpoint, info.ca_pem, endpoints)
    try:
        surgery = Surgery(place, endpoints, cluster, Notebook(tmp_path, endpoints.name, place))
        assert (await surgery.apply("a.rule", fix)).ok
        if touched:
            wire.kube(CLUSTER, "PATCH", path, {"data": {"a": "2"}}, kind="application/merge-patch+json")
        undone = await surgery.undo("a.rule")
    finally:
        await cluster.close()
    assert undone.ok
    assert ("left as it is" in undone.done[0]) == touched
    assert (wire.kube(CLUSTER, "GET", path) is not None) == touched
