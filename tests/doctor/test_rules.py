"""Every rule: silent on a healthy deployment of any shape, the cause in its own case, data complete, fix sane."""

from __future__ import annotations

import copy
import random

import pytest
from doctor_stage import NS, Stage, stamp
from rule_cases import full, no_logs
from rule_cases_life import CASES

from rhaii_tui.catalog.findings import Status
from rhaii_tui.catalog.shapes import SHAPES, Accelerator, Shape, Topology
from rhaii_tui.doctor.diagnosis import BAD, judge
from rhaii_tui.doctor.evidence import LogKey
from rhaii_tui.doctor.hops import CAUSE_ORDER, CHAIN, Hop, State
from rhaii_tui.doctor.pieces import Unread
from rhaii_tui.doctor.records import records
from rhaii_tui.doctor.rules import RULES

SCALE_OUT = Shape(Accelerator.GPU_T4, Topology.SCALE_OUT)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
@pytest.mark.parametrize("known", [True, False], ids=["run", "by hand"])
def test_a_healthy_deployment_is_green(shape: Shape, known: bool) -> None:
    stage = Stage(shape)
    stage.known = known
    found = judge(stage.snapshot())
    assert [(f.rule.id, f.hit.message) for f in found.findings] == []
    assert found.healthy
    for link in found.links:
        unused = link.hop in (Hop.POOL, Hop.PICKER) and not shape.routed
        assert link.state is (State.UNUSED if unused else State.GREEN), (link.hop, link.line)


def test_every_rule_has_a_case_and_every_hop_rules() -> None:
    assert set(CASES) == set(RULES)
    assert {r.hop for r in RULES.values()} == set(CHAIN) == set(CAUSE_ORDER) == set(Hop)


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_is_the_cause_of_its_case(rule: str) -> None:
    stage = Stage(SCALE_OUT)
    CASES[rule](stage)
    found = judge(stage.snapshot())
    case = found.find(rule)
    assert case is not None, [f.rule.id for f in found.findings]
    assert case.hit.evidence
    assert all(e.observed_at for e in case.hit.evidence)
    if rule == "service.stopped":
        assert found.healthy
        assert case.hit.status is Status.SKIP
        return
    assert found.cause is case, [(f.rule.id, f.consequence_of) for f in found.findings]
    link = found.link(case.hop)
    assert link.state is State.RED
    assert link.is_cause
    assert case.hit.fix is not None
    assert case.hit.fix.title
    assert case.hit.fix.commands or not case.hit.fix.guided  # whoever is sent to do it by hand is told how
    assert case.rule.refuted_by


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.id)
@pytest.mark.parametrize("rule", ["engine.argument", "download.token", "gateway.no-address", "image.credentials"])
def test_causes_are_the_same_in_every_shape(shape: Shape, rule: str) -> None:
    stage = Stage(shape)
    CASES[rule](stage)
    found = judge(stage.snapshot())
    assert found.cause is not None
    assert found.cause.rule.id == rule


def test_pairs_are_found_and_blamed_in_path_order() -> None:
    """Independent pairs: both are told, and the one nearer to the client is the cause."""
    pairs = [
        ("gateway.ca-missing", "engine.dtype"),
        ("route.not-accepted", "download.token"),
        ("policy.egress", "vllm.queueing"),
        ("access.rbac", "picker.dead"),
        ("controllers.presets", "node.quota-limit"),
        ("service.sidecar", "scheduling.taint"),
        ("picker.dead", "engine.argument"),
        ("client.prompts-too-short", "probes.http"),
        ("image.missing", "gateway.no-address"),
        ("node.lost", "policy.gateway-to-picker"),
    ]
    rng = random.Random(7)
    for pair in pairs:
        stage = Stage(SCALE_OUT)
        for rule in rng.sample(pair, 2):
            CASES[rule](stage)
        found = judge(stage.snapshot())
        told = [f.rule.id for f in found.findings if f.hit.status in BAD and not f.consequence_of]
        assert set(pair) <= {f.rule.id for f in found.findings}, (pair, told)
        assert told[0] == min(pair, key=lambda r: CAUSE_ORDER.index(RULES[r].hop)), (pair, told)


def test_a_node_that_was_taken_back_and_replaced_explains_nothing_more() -> None:
    stage = Stage(SCALE_OUT)
    CASES["node.stockout"](stage)
    gone = copy.deepcopy(stage.pods[0])
    gone["metadata"]["name"] = "gone"
    ended = {"type": "Ready", "status": "False", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    gone["status"] = {"phase": "Failed", "reason": "NodeShutdown", "conditions": [ended]}
    stage.kinds["Pod"].append(gone)
    stage.event("Node", f"gke-x-{stage.target.pool}-1", "Shutdown", "Instance was preempted: imminent node shutdown")
    stage.kinds["Event"][-1]["lastTimestamp"] = "2020-01-01T00:00:00Z"
    found = judge(stage.snapshot())
    assert found.find("node.spot-reclaimed") is None
    assert found.cause is not None
    assert found.cause.rule.id == "node.stockout"


def test_a_replaced_node_of_the_same_name_can_be_lost() -> None:
    stage = Stage(SCALE_OUT)
    CASES["node.lost"](stage)
    stage.event("Node", stage.nodes[-1]["metadata"]["name"], "Shutdown", "Instance was preempted: imminent shutdown")
    stage.kinds["Event"][-1]["lastTimestamp"] = "2020-01-01T00:00:00Z"
    found = judge(stage.snapshot())
    assert found.cause is not None
    assert found.cause.rule.id == "node.lost"


def test_what_still_comes_and_goes_is_not_known_yet() -> None:
    """A replica that waits for the accelerator of one on its way out, and one that has only just begun."""
    stage = Stage(SCALE_OUT)
    waiting = stage.pending(full(stage))
    ending = copy.deepcopy(stage.pods[0])
    ending["metadata"] |= {"name": "ending", "uid": "ending", "deletionTimestamp": stamp(5)}
    ending["spec"]["nodeName"] = stage.nodes[-1]["metadata"]["name"]
    stage.kinds["Pod"].append(ending)
    waiting["metadata"]["creationTimestamp"] = stamp(5)
    found = judge(stage.snapshot())
    assert found.cause is None
    assert not found.healthy
    link = found.link(Hop.SCHEDULING)
    assert link.state is State.UNPROVEN
    assert "which is still ending" in link.line
    assert found.link(Hop.VLLM).state is State.UNPROVEN
    ending["metadata"]["deletionTimestamp"] = stamp(3600)  # it does not end: that is a fault
    found = judge(stage.snapshot())
    assert found.cause is not None
    assert found.cause.rule.id == "scheduling.pool-too-small"
    assert any("/ending" in e.source for e in found.cause.hit.evidence)


def test_a_replica_out_of_reach_with_its_kubelet_is_not_known_yet() -> None:
    stage = Stage(SCALE_OUT)
    CASES["vllm.silent"](stage)
    pod = stage.pods[0]["metadata"]["name"]
    stage.logs[LogKey(pod, "main")] = Unread(f"log {pod}", "500: dial tcp 10.0.0.9:10250: i/o timeout")
    found = judge(stage.snapshot())
    assert found.cause is None
    assert "the node may be lost" in found.link(Hop.VLLM).line


def test_forbidden_logs_are_unknown_and_name_the_permission() -> None:
    stage = Stage(SCALE_OUT)
    no_logs(stage)
    found = judge(stage.snapshot())
    assert found.cause is None
    assert not found.healthy
    assert found.link(Hop.ENGINE).state is State.UNPROVEN
    assert "get pods/log" in found.link(Hop.ENGINE).line
    assert [r for r in records(found) if r["rule"] == "evidence.unread" and r["permission"] == "get pods/log"]


@pytest.mark.parametrize("kind", ["Pod", "Node", "Event", "Gateway", "HTTPRoute", "NetworkPolicy", "Secret"])
def test_an_unreadable_kind_is_never_green(kind: str) -> None:
    stage = Stage(SCALE_OUT)
    stage.unread[kind] = Unread(kind.lower(), "forbidden", f"list {kind.lower()}s")
    found = judge(stage.snapshot())
    assert not found.healthy
    assert any(link.state is State.UNPROVEN for link in found.links)
    assert all(f.hit.status not in BAD for f in found.findings), [f.hit.message for f in found.findings]


def test_nothing_read_at_all_is_nothing_known() -> None:
    stage = Stage(SCALE_OUT)
    stage.unread = {k: Unread("objects", "no answer") for k in (*stage.kinds, "LLMInferenceService")}
    stage.google = {k: Unread(k, "no answer") for k in stage.google}
    stage.logs, stage.metrics = {}, {}
    stage.answers = Unread("answers", "no answer")
    found = judge(stage.snapshot())
    assert {link.state for link in found.links} == {State.UNPROVEN}
    assert found.cause is None


def test_what_a_setup_has_not_made_yet_is_no_fault() -> None:
    stage = Stage(SCALE_OUT)
    CASES["service.absent"](stage)
    stage.under_way = True
    found = judge(stage.snapshot())
    assert found.cause is None
    assert found.link(Hop.VLLM).state is State.UNPROVEN


def test_records_carry_what_the_vendor_validator_carries() -> None:
    stage = Stage(SCALE_OUT)
    CASES["engine.memory"](stage)
    told = records(judge(stage.snapshot()))
    keys = {"category", "name", "status", "message", "remediation", "details", "node", "rule", "evidence", "fix",
            "observed_at"}  # fmt: skip
    assert all(keys <= r.keys() for r in told)
    (cause,) = (r for r in told if r.get("is_cause") and r["type"] == "finding")
    assert cause["rule"] == "engine.memory"
    assert cause["fix"]["changes"][0] == {"verb": "patch", "object": f"LLMInferenceService {NS}/{stage.svc}"}
