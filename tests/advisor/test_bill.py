"""The bill: the totals of the price notes, and arithmetic that holds for any price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.advisor.bill import bill_of
from rhaii_tui.advisor.options import options
from rhaii_tui.catalog.bill import Bill
from rhaii_tui.catalog.prices import Price, PriceTable, Provisioning, shipped
from rhaii_tui.catalog.shapes import SHAPES, Accelerator

GPU, TPU = Accelerator.GPU_T4, Accelerator.TPU_V6E
ITEMS = ("nvidia-tesla-t4", "n1-standard-4", "tpu-v6e", "e2-standard-4")
OVERHEAD = ("e2-standard-4 (operators)", "GKE cluster fee")


def daily(bill: Bill, *names: str) -> float:
    return round(sum((c.usd_per_hour or 0) * 24 for c in bill.components if c.name in names), 2)


@pytest.mark.parametrize(
    ("region", "nodes", "all_in"),
    [
        ("us-central1", 38.88, 47.71),
        ("us-east1", 38.88, 47.71),
        ("europe-west4", 41.52, 51.00),
        ("asia-northeast1", 44.19, 54.84),
    ],
)
def test_three_t4_nodes_agree_with_the_price_notes(region: str, nodes: float, all_in: float) -> None:
    bill = bill_of(GPU, region, "on-demand", 3)
    assert daily(bill, "NVIDIA T4", "n1-standard-4") == pytest.approx(nodes, abs=0.02)
    assert daily(bill, "NVIDIA T4", "n1-standard-4", *OVERHEAD) == pytest.approx(all_in, abs=0.02)
    assert bill.usd_per_day == pytest.approx(all_in + daily(bill, "Load balancer"), abs=0.02)


@pytest.mark.parametrize(
    ("region", "provisioning", "chips"),
    [
        ("us-central1", "on-demand", 777.60),
        ("europe-west4", "on-demand", 855.36),
        ("asia-northeast1", "on-demand", 933.12),
        ("us-east5", "flex-start", 388.80),
        ("europe-west4", "spot", 513.2),
    ],
)
def test_twelve_chips_agree_with_the_price_notes(region: str, provisioning: str, chips: float) -> None:
    assert daily(bill_of(TPU, region, provisioning, 3), "TPU v6e chip") == pytest.approx(chips, abs=0.1)


def test_overhead_in_the_united_states() -> None:
    assert daily(bill_of(GPU, "us-central1", "on-demand", 1), *OVERHEAD) == 8.83


def test_unknown_prices_are_never_zero() -> None:
    bill = bill_of(GPU, "us-south1", "on-demand", 3)
    assert bill.usd_per_hour is None
    assert bill.usd_per_day is None
    disks = [c for c in bill_of(GPU, "us-central1", "on-demand", 3).components if "disks" in c.name]
    assert disks
    assert all(c.unit_price_usd is None and c.usd_per_hour is None for c in disks)
    assert not bill_of(GPU, "us-central1", "on-demand", 3).complete
    assert bill_of(TPU, "us-central1", "flex-start", 1).usd_per_hour is None
    assert bill_of(GPU, "us-central1", "flex-start", 1).usd_per_hour is None


@given(
    usd=st.fixed_dictionaries(dict.fromkeys(ITEMS, st.floats(0, 100))),
    replicas=st.integers(1, 16),
    accelerator=st.sampled_from(list(Accelerator)),
    provisioning=st.sampled_from(list(Provisioning)),
)
def test_sums_hold_for_any_price(
    usd: dict[str, float], replicas: int, accelerator: Accelerator, provisioning: Provisioning
) -> None:
    table = PriceTable({(n, "r", p): Price(usd=v, source="s") for n, v in usd.items() for p in Provisioning})
    bill = bill_of(accelerator, "r", provisioning, replicas, table)
    per_node = usd["tpu-v6e"] * 4 if accelerator is TPU else usd["nvidia-tesla-t4"] + usd["n1-standard-4"]
    expected = replicas * per_node + 2 * usd["e2-standard-4"]
    assert bill.usd_per_hour == pytest.approx(expected, abs=1e-3)
    assert bill.usd_per_day == pytest.approx((bill.usd_per_hour or 0) * 24, abs=0.006)
    for c in bill.components:
        if c.unit_price_usd is not None:
            assert c.usd_per_hour == pytest.approx(c.unit_price_usd * c.quantity, abs=1e-5)


def test_options_are_the_six_shapes_with_sources() -> None:
    rows = options()
    assert [row.shape for row in rows] == list(SHAPES)
    for row in rows:
        record = row.record()
        assert record["usd_per_day"] == pytest.approx(record["usd_per_hour"] * 24, abs=0.01)
        assert all(c["source"] for c in record["components"])
        assert all(c["as_of"] for c in record["components"] if c["unit_price_usd"] is not None)
        assert all(f["provenance"] in ("measured", "claimed") for f in record["throughput"] or [])
        needs = {q["metric"]: q["need"] for q in record["quota"]}
        if row.shape.accelerator is GPU:
            assert needs["NVIDIA_T4_GPUS"] == needs["GPUS_ALL_REGIONS"] == row.replicas
        else:
            assert needs["TPUS-PER-TPU-FAMILY-per-project-region"] == 4 * row.replicas


def test_a_region_without_the_accelerator_says_so() -> None:
    row = options({GPU: "us-south1"})[0]
    assert row.zones == ()
    assert row.bill.usd_per_day is None
    assert "no zone of us-south1" in row.notes[0]


def test_newer_prices_win_and_unknown_ones_hide_nothing() -> None:
    key = ("nvidia-tesla-t4", "us-central1", "on-demand")
    assert shipped().over({key: Price(usd=9.0, source="live")}).get(*key).usd == 9.0
    assert shipped().over({key: Price(usd=None, source="live")}).get(*key).usd == 0.35
