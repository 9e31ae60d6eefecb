"""Errors: the sentences Google is known to write, sorted by what one can do about them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.google.errors import Kind, from_text, of_operation, shortage
from rhaii_tui.google.translate import of_response

SSD = (
    "Insufficient regional quota to satisfy request: resource \"SSD_TOTAL_GB\": request requires '300.0' and is short "
    "'100.0'. project has a quota of '500.0' with '200.0' available."
)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (403, 'Required "container.clusters.create" permission(s) for "projects/P".', Kind.PERMISSION),
        (403, "Kubernetes Engine API has not been used in project 1 before or it is disabled.", Kind.API_DISABLED),
        (403, "Kubernetes Engine API is not enabled for this project", Kind.API_DISABLED),
        (400, "Failed precondition when calling the ServiceConsumerManager", Kind.API_DISABLED),
        (503, "Project P is not fully initialized with the default service accounts.", Kind.NETWORK),
        (403, SSD, Kind.QUOTA),
        (400, "Cluster is running incompatible operation operation-123-abc.", Kind.BUSY),
        (400, "Operation operation-1-a is currently upgrading cluster X. Please wait and try again", Kind.BUSY),
        (409, "Already exists: projects/P/zones/Z/clusters/N.", Kind.EXISTS),
        (404, "Not found: projects/P/locations/Z/clusters/N.", Kind.NOT_FOUND),
        (400, "Operation type CREATE_CLUSTER cannot be cancelled", Kind.INVALID),
        (400, "TPU topology can't be specified with single-host TPU slice pool", Kind.INVALID),
        (401, "Request had invalid authentication credentials.", Kind.AUTH),
        (429, "Quota exceeded for quota metric 'Read requests'", Kind.NETWORK),
    ],
)
def test_known_sentences(code: int, text: str, kind: Kind) -> None:
    error = from_text(text, code)
    assert error.kind is kind
    assert error.remedy


def test_details_are_taken_from_the_sentence() -> None:
    assert (
        from_text('Required "container.clusters.create" permission(s)', 403).permission == "container.clusters.create"
    )
    assert from_text("Cluster is running incompatible operation operation-12-ab3.", 400).operation == "operation-12-ab3"
    found = shortage(SSD)
    assert found is not None
    assert (found.metric, found.limit, found.short, found.available) == ("SSD_TOTAL_GB", 500, 100, 200)
    inside = shortage("Quota 'SSD_TOTAL_GB' exceeded.  Limit: 500.0 in region us-central1.")
    assert inside is not None
    assert (inside.metric, inside.limit, inside.region) == ("SSD_TOTAL_GB", 500, "us-central1")
    glob = shortage("Quota 'GPUS_ALL_REGIONS' exceeded. Limit: 0.0 globally.")
    assert glob is not None
    assert (glob.limit, glob.region) == (0, None)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (8, "Current errors: [GCE_QUOTA_EXCEEDED]: Instance 'x' creation failed: Quota 'CPUS' exceeded.", Kind.QUOTA),
        (8, "[GCE_STOCKOUT]: Instance 'x' creation failed: does not have enough resources available", Kind.STOCKOUT),
        (8, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS: try later", Kind.STOCKOUT),
        (8, "[IP_SPACE_EXHAUSTED_WITH_DETAILS]: no pod range", Kind.QUOTA),
        (8, "resources ran out", Kind.QUOTA),
        (7, "denied", Kind.PERMISSION),
        (13, "internal error", Kind.UNKNOWN),
    ],
)
def test_operations_that_ended_badly(code: int, text: str, kind: Kind) -> None:
    error = of_operation(code, text)
    assert error.kind is kind
    assert not error.ambiguous


def test_a_proxys_page_is_no_sentence_of_google() -> None:
    page = "<!DOCTYPE html><html><head><title>502 Server Error</title></head><body>x</body></html>"
    error = of_response(502, page)
    assert error.kind is Kind.NETWORK
    assert error.message == "HTTP 502: 502 Server Error"
    assert error.raw == page
    assert error.ambiguous


@given(st.integers(400, 599), st.text(max_size=200))
def test_any_answer_becomes_an_error(code: int, body: str) -> None:
    error = of_response(code, body)
    assert error.code == code
    assert isinstance(error.kind, Kind)
    assert error.message
