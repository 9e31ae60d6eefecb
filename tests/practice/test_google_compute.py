"""Compute, Cloud Quotas, Service Usage, Resource Manager and Billing of the practice cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from google_calls import call, switch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from practice_process import Practice

COMPUTE = "/compute/v1/projects/practice-project"


@pytest.fixture
def base(practice: Practice) -> str:
    return str(practice.line["google"])


@pytest.fixture
def fault(practice: Practice) -> Iterator[Any]:
    on: list[str] = []

    def turn_on(name: str) -> None:
        on.append(name)
        switch(practice.line["control"], name, True)

    yield turn_on
    for name in on:
        switch(practice.line["control"], name, False)


def _quota(owner: dict[str, Any], metric: str) -> tuple[float, float]:
    return next((q["limit"], q["usage"]) for q in owner["quotas"] if q["metric"] == metric)


def test_quotas_count_what_is_alive(base: str) -> None:
    region = call(base, "GET", f"{COMPUTE}/regions/us-central1")[1]
    assert _quota(region, "NVIDIA_T4_GPUS") == (8.0, 0.0)
    assert _quota(region, "CPUS")[1] == 8.0  # the neighbour's two e2-standard-4
    assert _quota(region, "SSD_TOTAL_GB")[1] == 100.0
    assert _quota(call(base, "GET", COMPUTE)[1], "GPUS_ALL_REGIONS") == (8.0, 0.0)
    assert call(base, "GET", f"{COMPUTE}/regions/moon-1")[0] == 404


def test_a_zero_quota_shows_and_unknown_quotas_are_absent_with_a_warning(base: str, fault: Any) -> None:
    fault("gpu-quota-zero")
    assert _quota(call(base, "GET", f"{COMPUTE}/regions/us-east1")[1], "NVIDIA_T4_GPUS") == (0.0, 0.0)
    fault("quotas-unknown")
    region = call(base, "GET", f"{COMPUTE}/regions/us-east1")[1]
    assert "quotas" not in region
    assert region["quotaStatusWarning"]["code"] == "QUOTA_INFO_UNAVAILABLE"


def test_machine_and_accelerator_types_by_zone(base: str) -> None:
    assert call(base, "GET", f"{COMPUTE}/zones/us-east5-b/machineTypes/ct6e-standard-4t")[0] == 200
    assert call(base, "GET", f"{COMPUTE}/zones/us-east5-b/machineTypes/n1-standard-4")[0] == 404
    answer = call(base, "GET", f"{COMPUTE}/aggregated/acceleratorTypes?filter=" + quote('name = "nvidia-tesla-t4"'))[1]
    with_t4 = {scope for scope, found in answer["items"].items() if "acceleratorTypes" in found}
    assert "zones/us-central1-a" in with_t4
    assert len(with_t4) == 51
    assert answer["items"]["zones/us-east5-b"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"


def test_lists_come_in_pages(base: str) -> None:
    seen: list[str] = []
    token = ""
    while True:
        page = call(base, "GET", f"{COMPUTE}/zones?maxResults=20&pageToken={token}")[1]
        seen += [z["name"] for z in page["items"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert len(seen) == len(set(seen)) > 60


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    expression=st.text(max_size=40) | st.from_regex(r'\(?name (=|!=|eq|ne|:) ?"?[a-z.*\[(]{0,9}"?\)?', fullmatch=True)
)
def test_any_filter_is_an_answer_or_a_400(base: str, expression: str) -> None:
    status, answer = call(base, "GET", f"{COMPUTE}/zones?filter={quote(expression)}")
    assert status in (200, 400), answer


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2000) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "config", "nodePools", "machineType", "spam"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_JSON)
def test_any_body_is_refused_politely(base: str, body: Any) -> None:
    path = "/v1/projects/practice-project/locations/us-central1-f/clusters"
    status, answer = call(base, "POST", path, {"cluster": body})
    assert status == 400, answer
    assert answer["error"]["message"]


def test_a_probe_is_inserted_waited_for_and_deleted(base: str) -> None:
    zone = f"{COMPUTE}/zones/us-central1-a"
    body = {
        "name": "probe",
        "machineType": "zones/us-central1-a/machineTypes/n1-standard-4",
        "guestAccelerators": [
            {"acceleratorType": f"{zone[1:]}/acceleratorTypes/nvidia-tesla-t4", "acceleratorCount": 1}
        ],
        "scheduling": {"maxRunDuration": {"seconds": "36000"}, "instanceTerminationAction": "DELETE"},
    }
    insert = f"{zone}/instances?requestId=6f1d0a7e-7b0e-4b3a-9c53-0a4f6f0d8c11"
    status, operation = call(base, "POST", insert, body)
    assert status == 200, operation
    assert call(base, "POST", insert, body)[1]["name"] == operation["name"]
    done = call(base, "POST", f"{zone}/operations/{operation['name']}/wait")[1]
    assert (done["status"], done.get("error")) == ("DONE", None)
    assert call(base, "GET", f"{zone}/instances/probe")[1]["status"] == "RUNNING"
    assert _quota(call(base, "GET", f"{COMPUTE}/regions/us-central1")[1], "NVIDIA_T4_GPUS") == (8.0, 1.0)
    deleted = call(base, "DELETE", f"{zone}/instances/probe")[1]
    call(base, "POST", f"{zone}/operations/{deleted['name']}/wait")
    assert call(base, "GET", f"{zone}/instances/probe")[0] == 404


def test_a_probe_meets_the_stockout(base: str, fault: Any) -> None:
    fault("stockout")
    zone = f"{COMPUTE}/zones/us-east5-b"
    operation = call(
        base, "POST", f"{zone}/instances", {"name": "p", "machineType": "x/machineTypes/ct6e-standard-4t"}
    )[1]
    done = call(base, "POST", f"{zone}/operations/{operation['name']}/wait")[1]
    assert done["httpErrorStatusCode"] == 503
    assert done["error"]["errors"][0]["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"


def test_the_tpu_quota_lives_in_cloud_quotas_only(base: str, fault: Any) -> None:
    infos = "/projects/practice-project/locations/global/services/compute.googleapis.com/quotaInfos"
    family = f"{infos}/TPUS-PER-TPU-FAMILY-per-project-region"
    for version in ("v1", "v1beta"):
        limits = call(base, "GET", f"/{version}{family}")[1]["dimensionsInfos"]
        own = next(i for i in limits if i.get("dimensions") == {"region": "us-east5", "tpu_family": "CT6E"})
        assert own["details"]["value"] == "32"
    spot = call(base, "GET", f"/v1{infos}/PREEMPTIBLE-TPU-V6E-per-project-region")[1]["dimensionsInfos"]
    assert [i["details"]["value"] for i in spot] == ["1536"]
    fault("tpu-quota-unset")
    limits = call(base, "GET", f"/v1{family}")[1]["dimensionsInfos"]
    assert [(i.get("dimensions"), i["details"]["value"]) for i in limits] == [(None, "0")]


def test_permissions_and_services(base: str, fault: Any) -> None:
    wanted = {"permissions": ["container.clusters.create", "container.clusters.get"]}
    path = "/v3/projects/practice-project:testIamPermissions"
    assert call(base, "POST", path, wanted)[1] == wanted
    names = "names=projects/p/services/container.googleapis.com&names=projects/p/services/compute.googleapis.com"
    batch = f"/v1/projects/practice-project/services:batchGet?{names}"
    assert [s["state"] for s in call(base, "GET", batch)[1]["services"]] == ["ENABLED", "ENABLED"]
    fault("permission-missing")
    fault("api-disabled")
    assert call(base, "POST", path, wanted)[1] == {"permissions": ["container.clusters.get"]}
    assert [s["state"] for s in call(base, "GET", batch)[1]["services"]] == ["DISABLED", "ENABLED"]
    assert call(base, "GET", "/v3/projects/somebody-elses")[0] == 403


def test_prices_are_paged_and_stand_among_decoys(base: str) -> None:
    found: dict[tuple[str, str], float] = {}
    token = ""
    while True:
        page = call(base, "GET", f"/v1/services/6F81-5844-456A/skus?pageSize=40&pageToken={token}")[1]
        for sku in page["skus"]:
            unit = sku["pricingInfo"][0]["pricingExpression"]["tieredRates"][-1]["unitPrice"]
            found[sku["description"], sku["serviceRegions"][0]] = int(unit["units"]) + unit["nanos"] / 1e9
        token = page["nextPageToken"]
        if not token:
            break
    assert found["TpuV6e running in Dallas", "us-south1"] == 2.70
    core = found["N1 Predefined Instance Core running in Iowa", "us-central1"]
    ram = found["N1 Predefined Instance Ram running in Iowa", "us-central1"]
    assert 4 * core + 15 * ram == pytest.approx(0.19, abs=1e-4)
    assert any("Calendar Mode" in description for description, _ in found)
