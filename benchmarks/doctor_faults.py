"""Every fault of the practice cloud and ten seeded pairs, put to the doctor: found in time, mended, healed.

    python benchmarks/doctor_faults.py [--accelerator gpu|tpu] [--topology T] [--speed 600] [--pairs] [FAULT ...]

Starts a practice cloud of its own, deploys, and prints one line per fault: seconds until its rule is the first cause,
every other cause that was named before it, what the fix did, whether it could be taken back, and whether all is well
after the fault is lifted. Exit code 1 when a rule was not the cause in time, another one was named first, a fix did not
heal its hop, or something stayed ill.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from rhaii_tui.deployment.journal import last_run
from rhaii_tui.doctor import Diagnosis, Fix, Place, Treatment, examine
from rhaii_tui.doctor.diagnosis import BAD
from rhaii_tui.doctor.examination import connect
from rhaii_tui.doctor.hops import CAUSE_ORDER
from rhaii_tui.doctor.rules import RULES
from rhaii_tui.endpoints import Endpoints, practice_cloud
from rhaii_tui.kube.connect import Cluster

IN_TIME = 5.0
PATIENCE = 20.0
CAUSES = {
    "pool-too-small": "scheduling.pool-too-small",
    "quota-in-operation": "node.quota",
    "stockout": "node.stockout",
    "gpu-quota-zero": "node.quota-limit",
    "tpu-quota-unset": "node.quota-limit",
    "device-plugin-broken": "accelerator.unregistered",
    "node-label-missing": "scheduling.selector",
    "node-taint-extra": "scheduling.taint",
    "extproc-lost": "route.filter-lost",
    "envoyfilter-wrong-namespace": "route.filter-wrong-namespace",
    "envoyfilter-wrong-index": "route.filter-wrong-index",
    "second-route": "route.second-route",
    "epp-dead": "picker.dead",
    "prefixes-not-shared": "client.prefixes-not-shared",
    "prompts-too-short": "client.prompts-too-short",
    "policy-blocks-gateway": "policy.gateway-to-replicas",
    "policy-blocks-epp": "policy.gateway-to-picker",
    "policy-blocks-dns": "policy.egress",
    "kv-full": "vllm.kv-full",
    "queueing": "vllm.queueing",
    "sidecar-injected": "service.sidecar",
    "gateway-no-address": "gateway.no-address",
    "gateway-ca-missing": "gateway.ca-missing",
    "route-not-accepted": "route.not-accepted",
    "route-not-resolved": "route.not-resolved",
    "http-probe": "probes.http",
    "startup-probe-short": "probes.impatient",
    "xla-stuck": "compile.stuck",
    "cuda-oom": "engine.memory",
    "bf16-on-t4": "engine.dtype",
    "vllm-unknown-argument": "engine.argument",
    "hf-token-missing": "download.token",
    "hf-gated": "download.gated",
    "hf-secret-wrong-key": "download.wrong-key",
    "pull-secret-bad": "image.credentials",
    "image-tag-missing": "image.missing",
    "storage-initializer-oom": "download.memory",
    "api-disabled": "access.api-disabled",
    "rbac-denied": "access.rbac",
    "webhook-not-ready": "controllers.webhook",
    "node-lost": "node.lost",
    "spot-reclaimed": "node.spot-reclaimed",
    "rollout-stuck": "scheduling.rollout-stuck",
}
OF_GPU, OF_TPU = {"gpu-quota-zero", "cuda-oom", "bf16-on-t4"}, {"tpu-quota-unset", "xla-stuck"}
OF_PICKER = {"extproc-lost", "envoyfilter-wrong-namespace", "envoyfilter-wrong-index", "second-route", "epp-dead",
             "policy-blocks-epp"}  # fmt: skip
"""What only a shape with an endpoint picker can suffer from."""
OF_SEVERAL = {"prefixes-not-shared", "prompts-too-short"}
"""What only matters where requests can be routed to one replica or another."""
PATH = ["extproc-lost", "epp-dead", "gateway-ca-missing", "route-not-accepted", "policy-blocks-dns", "rbac-denied"]
LIFE = ["node-taint-extra", "node-label-missing", "http-probe", "vllm-unknown-argument", "image-tag-missing"]


class Bench:
    """One deployment and the switch of its cloud's faults."""

    def __init__(self, endpoints: Endpoints, place: Place, home: Path, control: str, cluster: Cluster) -> None:
        self.endpoints, self.place, self.home, self.control, self.cluster = endpoints, place, home, control, cluster
        slow = 600 / endpoints.clock.rate  # a slower cloud also shows a fault later
        self.in_time, self.patience = IN_TIME * slow, PATIENCE * slow

    async def fault(self, name: str, on: bool) -> None:
        """Switch one."""
        body = json.dumps({"on": on}).encode()
        request = urllib.request.Request(f"{self.control}/faults/{name}", body, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        await asyncio.to_thread(lambda: opener.open(request, timeout=10).close())

    async def look(self) -> Diagnosis:
        """One diagnosis."""
        return await examine(self.place, self.endpoints, self.cluster)

    async def single(self, name: str) -> bool:
        """One fault alone."""
        rule = CAUSES[name]
        await self.fault(name, True)
        begun = time.monotonic()
        named: list[str] = []
        while True:
            found = await self.look()
            took = time.monotonic() - begun
            good = found.cause is not None and found.cause.rule.id == rule
            if good or took > self.patience:
                break
            if found.cause is not None and found.cause.rule.id not in named:
                named.append(found.cause.rule.id)
        line = f"{name:<28}{rule if good else 'NOT FOUND':<32}{took:5.1f} s"
        line += f"  NAMED FIRST: {', '.join(named)}" if named else ""
        fixed, done = await self.mend(found) if good else (False, "")
        await self.fault(name, False)
        rest = await self.rest()
        print(line + done + rest, flush=True)
        return good and took <= self.in_time and not named and fixed and "ILL" not in rest

    async def mend(self, found: Diagnosis) -> tuple[bool, str]:
        """Apply the cause's fix and take it back: whether that went well, and words for it."""
        case = found.cause
        if case is None or case.hit.fix is None:
            return True, ""
        fix = case.hit.fix
        if fix.guided:
            return bool(fix.commands), f"  guided: {fix.title}"
        treatment = Treatment(self.place, self.endpoints, self.cluster, self.home)
        for change in fix.changes:
            if change.verb == "secret-from-file":
                if not (await treatment.preview(fix)).refused:
                    return False, "  THE REFUSED CREDENTIAL WAS ACCEPTED"
                renew(Path(str(change.body["file"])))
        healing = await treatment.heal(case.rule.id, case.hop, fix)
        told = [(f.rule.id, f.hit.message) for f in healing.diagnosis.findings]
        words = f"  {'healed' if healing.healed else f'NOT HEALED {healing.outcome.failure} {told}'}: {fix.title}"
        if healing.outcome.ok and fix.undoable:
            failure = await self.clean(treatment, case.rule.id, fix)
            words += f"; undo: {failure or 'ok'}"
        return healing.healed, words

    async def clean(self, treatment: Treatment, rule: str, fix: Fix) -> str:
        """Take the fix back; where that would bring a fault's own object back for good, only what the fix has made."""
        if not any(c.verb == "delete" and c.kind != "Pod" for c in fix.changes):
            return (await treatment.undo(rule)).failure
        for change in fix.changes:
            if change.verb == "apply" and change.kind == "EnvoyFilter":
                await self.cluster.delete(change.kind, change.namespace, change.name)
        return ""

    async def pair(self, one: str, two: str) -> bool:
        """Both told, the one nearer to the client first."""
        for name in (one, two):
            await self.fault(name, True)
        first = min((CAUSES[one], CAUSES[two]), key=lambda r: CAUSE_ORDER.index(RULES[r].hop))
        begun = time.monotonic()
        while True:
            found = await self.look()
            told = {f.rule.id for f in found.findings if f.hit.status in BAD}
            good = {CAUSES[one], CAUSES[two]} <= told and found.cause is not None and found.cause.rule.id == first
            if good or time.monotonic() - begun > self.patience:
                break
        print(f"{one} + {two}: {'in path order' if good else sorted(told)} ", end="", flush=True)
        for name in (two, one):
            await self.fault(name, False)
        print(await self.rest(), flush=True)
        return good

    async def rest(self) -> str:
        """Until all is well in two looks; an update that the way back leaves stuck is mended as the doctor offers."""
        words, well = "", 0
        deadline = time.monotonic() + 60 * self.in_time / IN_TIME
        while well < 2:
            found = await self.look()
            well = well + 1 if found.healthy and not found.stopped else 0
            if well:
                continue
            if found.cause is not None and found.cause.rule.id == "scheduling.rollout-stuck" and not words:
                words = f"; afterwards{(await self.mend(found))[1]}"
            elif time.monotonic() > deadline:
                told = [(f.rule.id, f.hit.message) for f in found.findings]
                return f"  STILL ILL: {told} {[x.what for x in found.unread]}"
        return words


def renew(file: Path) -> None:
    """What a person does: put a new credential into the file."""
    if "pull" in file.name:
        login = base64.b64encode(f"12345678|practice:{secrets.token_urlsafe(24)}".encode()).decode()
        file.write_text(json.dumps({"auths": {"registry.redhat.io": {"auth": login}}}))
    else:
        file.write_text(f"hf_{secrets.token_hex(17)}")


async def run(options: argparse.Namespace, practice: dict[str, Any], home: Path) -> int:
    """All that was asked for."""
    endpoints = practice_cloud(Path(practice["descriptor"]))
    state = last_run(home, endpoints.name)
    assert state is not None
    assert state.plan is not None
    place = Place.of(state.plan.target)
    cluster, why = await connect(place, endpoints)
    assert cluster is not None, why
    bench = Bench(endpoints, place, home, str(practice["control"]), cluster)
    foreign = {
        *(OF_TPU if options.accelerator == "gpu" else OF_GPU),
        *(OF_PICKER if options.topology == "single" else ()),
        *(OF_SEVERAL if options.topology != "scale-out" else ()),
    }
    names = options.faults or [n for n in CAUSES if n not in foreign]
    results: list[bool] = []
    try:
        if options.pairs:
            rng = random.Random(10)
            pairs = rng.sample([(p, q) for p in PATH for q in LIFE], 10)
            results = [await bench.pair(*pair) for pair in pairs]
        else:
            results = [await bench.single(name) for name in names]
    finally:
        await cluster.close()
    print(f"{sum(results)} of {len(results)}")
    return 0 if all(results) else 1


def main() -> int:
    """Start, deploy, run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accelerator", default="gpu", choices=["gpu", "tpu"])
    parser.add_argument("--topology", default="scale-out")
    parser.add_argument("--speed", default="600")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("faults", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "RHAII_TUI_HOME": folder}
        tool = [sys.executable, "-m", "rhaii_tui"]
        serve = [*tool, "practice", "serve", "--speed", options.speed]
        with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as cloud:
            assert cloud.stdout is not None
            practice = json.loads(cloud.stdout.readline())
            deploy = ["setup", "--practice", "--yes", "--json", "--accelerator", options.accelerator]
            subprocess.run(
                [*tool, *deploy, "--topology", options.topology], env=environ, check=True, stdout=subprocess.DEVNULL
            )
            try:
                return asyncio.run(run(options, practice, Path(folder)))
            finally:
                cloud.terminate()


if __name__ == "__main__":
    raise SystemExit(main())
