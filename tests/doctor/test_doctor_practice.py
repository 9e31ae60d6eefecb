"""The doctor at a running deployment: a fault or two of each kind, the first cause, mended, taken back, lifted.

All faults, on both accelerators and in pairs, are for benchmarks/doctor_faults.py.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from doctor_practice import Ward, command, deployed

from rhaii_tui.doctor import Fix, Place, State, edits, examine, for_step, rolling
from rhaii_tui.doctor.gathering import gather
from rhaii_tui.doctor.hops import Hop
from rhaii_tui.doctor.notebook import Done, Entry, Notebook, new_id
from rhaii_tui.doctor.rolling import asked_for, owed
from rhaii_tui.doctor.rule import Change
from rhaii_tui.doctor.sending import Sender
from rhaii_tui.kube.connect import Cluster

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

SEEN = {
    "pool-too-small": "scheduling.pool-too-small",
    "node-lost": "node.lost",
}
"""Told only: what mends them costs money, is a choice, or is not ours."""
MENDED = {
    "extproc-lost": "route.filter-lost",
    "epp-dead": "picker.dead",
    "policy-blocks-gateway": "policy.gateway-to-replicas",
    "gateway-ca-missing": "gateway.ca-missing",
    "webhook-not-ready": "controllers.webhook",
    "node-taint-extra": "scheduling.taint",
    "api-disabled": "access.api-disabled",
    "vllm-unknown-argument": "engine.argument",
}


UNREAD = {
    "logs-forbidden": (Hop.ENGINE, "get pods/log"),
    "metrics-forbidden": (Hop.VLLM, "get pods/proxy"),
    "pods-forbidden": (Hop.SCHEDULING, "list pods"),
    "nodes-forbidden": (Hop.NODE, "list nodes"),
    "events-forbidden": (Hop.SCHEDULING, "list events"),
    "token-expired": (Hop.ACCESS, "Log in again"),
    "api-slow": (Hop.ROUTE, "no answer within"),
}
"""A hop that nothing is known about then, and words that say what is needed."""
REFUSED = {
    "hf-token-missing": ("download.token", "hf_token_file"),
    "pull-secret-bad": ("image.credentials", "pull_secret_file"),
}
LOGIN = base64.b64encode(b"12345678|practice:another").decode()
NEW = {
    "hf_token_file": "hf_another0123456789",
    "pull_secret_file": json.dumps({"auths": {"registry.redhat.io": {"auth": LOGIN}}}),
}


@pytest.fixture(scope="module")
def ward(practice: Any) -> Ward:
    """Three replicas on GPUs."""
    return deployed(practice, "gpu", "scale-out")


async def test_a_healthy_deployment_is_green_within_its_time(ward: Ward) -> None:
    async with ward.cluster() as cluster:
        found = await ward.until(cluster, lambda d: d.healthy)
        assert {link.state for link in found.links} == {State.GREEN}
        assert not found.findings


async def test_a_service_made_by_hand_is_looked_at_without_a_journal(ward: Ward) -> None:
    place = Place(ward.place.namespace, ward.place.service)
    async with ward.cluster() as cluster:
        found = await examine(place, ward.endpoints, cluster)
    assert found.cause is None
    assert not found.unread
    assert found.link(Hop.VLLM).state is State.GREEN


@pytest.mark.parametrize("fault", sorted(SEEN))
async def test_a_fault_is_the_first_cause(ward: Ward, fault: str) -> None:
    async with ward.cluster() as cluster:
        await ward.fault(fault, True)
        try:
            await ward.first_cause(cluster, SEEN[fault], fault)
        finally:
            await ward.heal(cluster, fault)


@pytest.mark.parametrize("fault", sorted(MENDED))
async def test_a_fault_is_found_and_mended(ward: Ward, fault: str) -> None:
    rule = MENDED[fault]
    async with ward.cluster() as cluster:
        await ward.fault(fault, True)
        try:
            case = await ward.first_cause(cluster, rule, fault)
            assert case.hit.fix is not None
            treatment = ward.treatment(cluster)
            preview = await treatment.preview(case.hit.fix)
            assert not preview.refused
            assert all(step.text for step in preview.steps)
            healing = await treatment.heal(rule, case.hop, case.hit.fix)
            told = [(f.rule.id, f.hit.message) for f in healing.diagnosis.findings]
            assert healing.outcome.ok, healing.outcome.failure
            assert healing.healed, told
            if rule == "route.filter-lost":  # taken back, the hop is red again
                undone = await treatment.undo(rule)
                assert undone.ok, undone.failure
                await ward.until(cluster, lambda d: d.cause is not None and d.cause.rule.id == rule, what="undone")
        finally:
            await ward.heal(cluster, fault)


async def _killed_half_way(ward: Ward, cluster: Cluster, rule: str) -> None:
    """The doctor's fix in a process of its own, killed while its service is one replica short."""
    words = (sys.executable, "-m", "rhaii_tui", "doctor", "--practice", "--fix", rule, "--yes")
    environ = {**os.environ, **ward.practice.environ}
    fixing = await asyncio.create_subprocess_exec(*words, env=environ, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while not owed(await cluster.read(edits.KIND, ward.place.namespace, ward.place.service)):
                assert fixing.returncode is None
    finally:
        fixing.kill()
        await fixing.wait()


async def test_a_change_passes_a_full_pool_and_what_its_way_back_leaves_stuck_is_mended(ward: Ward) -> None:
    """Replicas that serve hold every accelerator: without room the update would wait for ever."""
    async with ward.cluster() as cluster:
        changes = edits.with_options(await gather(ward.place, ward.endpoints, cluster), {"--max-num-seqs": "64"})
        treatment = ward.treatment(cluster)
        healing = await treatment.heal("engine.memory", Hop.SCHEDULING, Fix("Fewer at once", changes=changes))
        assert healing.outcome.ok, healing.outcome.failure
        service, namespace = ward.place.service, ward.place.namespace
        rolled = await cluster.read("Deployment", namespace, f"{service}-kserve")
        assert "--max-num-seqs=64" in str(rolled)
        assert (rolled or {})["status"]["updatedReplicas"] == 3
        undone = await treatment.undo("engine.memory")
        assert undone.ok, undone.failure
        stuck = await ward.first_cause(cluster, "scheduling.rollout-stuck", "undone")
        await _killed_half_way(ward, cluster, stuck.rule.id)
        case = await ward.first_cause(cluster, "service.replica-owed", "killed")
        assert case.hit.fix is not None
        healing = await treatment.heal(case.rule.id, case.hop, case.hit.fix)
        assert healing.healed, healing.outcome.failure
        assert asked_for(await cluster.read(edits.KIND, namespace, service) or {}) == 3
        # With the replica back the update is as far as it came: through, or stuck once more.
        found = await ward.until(cluster, lambda d: d.healthy or d.find(stuck.rule.id) is not None)
        if (again := found.find(stuck.rule.id)) is not None and again.hit.fix is not None:
            healing = await treatment.heal(again.rule.id, again.hop, again.hit.fix)
            assert healing.healed, healing.outcome.failure
        assert not (await ward.until(cluster, lambda d: d.healthy)).findings
        live = await cluster.read("Deployment", namespace, f"{service}-kserve")
        assert "--max-num-seqs=64" not in str(live)


async def test_undoing_a_fix_that_was_killed_asks_for_the_replica_that_it_took_away(ward: Ward) -> None:
    namespace, service = ward.place.namespace, ward.place.service
    retire = Change("retire", "Deployment", namespace, f"{service}-kserve")
    book = Notebook(ward.home, ward.endpoints.name, ward.place)
    async with ward.cluster() as cluster:
        live = await cluster.read(edits.KIND, namespace, service)
        assert live is not None
        fewer = Change("patch", edits.KIND, namespace, service, rolling.fewer(live))
        await Sender(ward.place, ward.endpoints, cluster).send(fewer)
        book.write(Entry(new_id(), time.time(), "engine.dtype", "intended", (Done(retire),)))
        undone = await ward.treatment(cluster).undo("engine.dtype")
        assert "3 replicas are asked for again" in undone.done[0], undone.failure
        assert asked_for(await cluster.read(edits.KIND, namespace, service) or {}) == 3
        await ward.until(cluster, lambda d: d.healthy)


async def test_a_stopped_service_is_no_fault(ward: Ward) -> None:
    async with ward.cluster() as cluster:
        await ward.fault("service-stopped", True)
        try:
            found = await ward.until(cluster, lambda d: d.stopped)
            assert found.cause is None
            assert found.find("service.stopped") is not None
        finally:
            await ward.heal(cluster, "service-stopped")


@pytest.mark.parametrize("fault", sorted(REFUSED))
async def test_a_credential_that_is_refused_is_written_anew_once_the_file_has_another(ward: Ward, fault: str) -> None:
    rule, setting = REFUSED[fault]
    file = Path(str(ward.practice.descriptor[setting]))
    before = await asyncio.to_thread(file.read_text)
    async with ward.cluster() as cluster:
        await ward.fault(fault, True)
        try:
            case = await ward.first_cause(cluster, rule, fault)
            assert case.hit.fix is not None
            treatment = ward.treatment(cluster)
            assert "the very credential that was refused" in (await treatment.preview(case.hit.fix)).refused
            vain = await treatment.apply(rule, case.hit.fix)
            assert not vain.ok
            await asyncio.to_thread(file.write_text, NEW[setting])
            assert not (await treatment.preview(case.hit.fix)).refused
            healing = await treatment.heal(rule, case.hop, case.hit.fix)
            assert healing.healed, healing.outcome.failure
            book = "".join(p.read_text() for p in (ward.home / "doctor").iterdir())
            assert "hf_another" not in book
            assert LOGIN not in book
        finally:
            await asyncio.to_thread(file.write_text, before)
            await ward.heal(cluster, fault)


@pytest.mark.parametrize("fault", sorted(UNREAD))
async def test_evidence_that_cannot_be_read_is_unknown_and_says_what_is_needed(ward: Ward, fault: str) -> None:
    hop, words = UNREAD[fault]
    async with ward.cluster() as cluster:
        await ward.fault(fault, True)
        try:
            found = await ward.until(cluster, lambda d: any(words in f"{u.reason} {u.advice}" for u in d.unread))
            assert found.cause is None
            assert not found.healthy
            assert found.link(hop).state is State.UNPROVEN
            if fault == "token-expired":
                code, told, errors = command(ward.practice, "--practice")
                assert (code, told[-1]["exit_code"], told[-1]["cause"], errors) == (3, 3, None, "")
        finally:
            await ward.heal(cluster, fault)


async def test_the_command_tells_mends_and_takes_back(ward: Ward, tmp_path: Path) -> None:
    code, told, _ = command(ward.practice, "--practice")
    assert (code, told[-1]["type"], told[-1]["cause"]) == (0, "result", None)
    async with ward.cluster() as cluster:
        await ward.fault("extproc-lost", True)
        try:
            code, told, _ = command(ward.practice, "--practice")
            assert (code, told[-1]["cause"]["rule"]) == (1, "route.filter-lost")
            code, told, _ = command(ward.practice, "--practice", "--fix", "route.filter-lost", "--yes")
            assert (code, told[-1]["healed"]) == (0, True)
            assert any(r["type"] == "preview" and "EnvoyFilter" in r["text"] for r in told)
            code, told, _ = command(ward.practice, "--practice", "--undo", "route.filter-lost")
            assert (code, told[-1]["undone"]) == (0, "route.filter-lost")
            assert await cluster.read("EnvoyFilter", "opendatahub", f"{ward.place.service}-extproc-body") is None
        finally:
            await ward.heal(cluster, "extproc-lost")


async def test_a_step_that_stalls_is_told_what_holds_it(ward: Ward) -> None:
    target = ward.place.target
    assert target is not None
    async with ward.cluster() as cluster:
        assert await for_step("replicas", target, ward.endpoints, cluster) == ()
        await ward.fault("node-taint-extra", True)
        try:
            await ward.until(cluster, lambda d: d.find("scheduling.taint") is not None)
            (first, *_) = await for_step("replicas", target, ward.endpoints, cluster)
            assert (first.rule, first.status) == ("doctor.scheduling.taint", "WARN")
        finally:
            await ward.heal(cluster, "node-taint-extra")


def test_wrong_words_are_refused(practice: Any) -> None:
    assert command(practice, "--practice", "--fix", "no.such", "--yes")[0] == 2
    assert command(practice, "--fix", "a", "--undo", "b")[0] == 2
    code, told, _ = command(practice, "--fix", "route.filter-lost")
    assert (code, told[-1]["what"]) == (2, "--fix asks before it acts")
