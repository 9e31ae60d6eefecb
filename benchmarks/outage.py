"""The API server gone for a minute of wall time and back: what a monitor, a setup and a scale lose. The answer is JSON.

    python benchmarks/outage.py [--seconds 60] [--speed 60]

On a practice cloud of its own. While `setup` waits for replicas and while `scale` runs, the API server is away for 60
cloud seconds each; then, under a monitor that follows all replicas' logs, its listener is closed for `--seconds` while
requests go on and Google adds a node. Afterwards every watched object must equal the server's and
every log line that the server still has must have been read once. Exit 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "monitor"))

from awaiting import until
from outage import Sight, ask, gone
from practice_process import Practice, end_practice, start_practice

from rhaii_tui.endpoints import practice_cloud
from rhaii_tui.google.gke import Gke
from rhaii_tui.monitor.discovery import Wish, attach
from rhaii_tui.monitor.monitor import Monitor

Json = dict[str, Any]
CLOUD_OUTAGE = 60.0


async def commanded(practice: Practice, step: str, *words: str) -> Json:
    """A command during whose `step` the API server is away for 60 cloud seconds; its result and what it saw of it."""
    command = [sys.executable, "-m", "rhaii_tui", *words, "--practice", "--yes", "--json"]
    child = await asyncio.create_subprocess_exec(
        *command, env=practice.environ, stdout=asyncio.subprocess.PIPE, limit=2**24
    )
    assert child.stdout is not None
    lost = back = 0
    storm: asyncio.Task[None] | None = None
    last: Json = {}
    async for line in child.stdout:
        last = json.loads(line)
        if last.get("type") == "step_started" and last.get("step") == step and storm is None:
            storm = asyncio.create_task(_storm(practice))
        lost += last.get("type") == "link_lost"
        back += last.get("type") == "link_restored"
    await child.wait()
    if storm is not None:
        await storm
    return {
        "command": words[0],
        "ok": bool(last.get("ok")),
        "struck": storm is not None,
        "links_lost": lost,
        "links_back": back,
        "requests": last.get("requests"),
        "failed": last.get("failed", []),
    }


async def _storm(practice: Practice) -> None:
    await asyncio.sleep(2.0)  # well into the step
    async with gone(practice.descriptor["control"]):
        await asyncio.sleep(max(1.0, CLOUD_OUTAGE / float(practice.line["rate"])))


async def watched(practice: Practice, seconds: float) -> Json:
    """The monitor through an outage of `seconds` wall seconds."""
    endpoints = practice_cloud(practice.descriptor_path)
    found = await attach(endpoints, Wish(project=endpoints.project or ""))
    one = found.found
    async with Monitor(found.cluster, endpoints, one.namespace, one.service, cluster_name=one.cluster) as monitor:
        before = await until(monitor, lambda s: s.state == "ready" and s.total.counted == len(s.replicas))
        sight = Sight(monitor, before)
        await ask(before, 5)
        began, looks = time.monotonic(), 0
        async with gone(practice.descriptor["control"]):
            await until(monitor, lambda s: s.state == "unknown" and s.total.counted == 0)
            said_after = time.monotonic() - began
            pool = next(n.pool for n in before.nodes if n.replicas)
            gke = Gke(endpoints, one.project)
            await gke.set_node_pool_size(one.zone, one.gke, pool, len(before.replicas) + 1)
            while (left := seconds - (time.monotonic() - began)) > 0:
                sight.stays()
                looks += 1
                await ask(before, 1)
                await asyncio.sleep(min(1.0, max(0.0, left)))
        reopened = time.monotonic()
        after = await sight.caught_up()
        caught_up = time.monotonic() - reopened
        await asyncio.sleep(2.0)
        lost_lines = doubled = 0
        for _, kept, read in await sight.lines():
            shared = min(len(kept), len(read))
            lost_lines += len(set(kept) - set(read))
            doubled += read[-shared:] != kept[-shared:]
        unseen = sight.unseen_seconds(after.at, int(seconds) + 10)
        await sight.logs.close()
    await found.cluster.close()
    return {
        "seconds": seconds,
        "said_after_seconds": round(said_after, 2),
        "looks_at_the_last_word": looks,
        "caught_up_after_seconds": round(caught_up, 2),
        "nodes": [len(before.nodes), len(after.nodes)],
        "log_lines_lost": lost_lines,
        "logs_out_of_step": doubled,
        "cells_not_live": unseen,
    }


async def measure(seconds: float, speed: float) -> Json:
    """Setup, scale and monitor in turn."""
    with tempfile.TemporaryDirectory() as folder:
        practice = start_practice(Path(folder), speed)
        try:
            road = ("--accelerator", "gpu", "--topology", "baseline", "--no-cache-test")
            setup = await commanded(practice, "replicas", "setup", *road)
            scale = await commanded(practice, "replicas", "scale", "2")
            monitor = await watched(practice, seconds)
        finally:
            end_practice(practice)
    good = setup["ok"] and scale["ok"] and not monitor["log_lines_lost"] and not monitor["logs_out_of_step"]
    return {"ok": bool(good), "setup": setup, "scale": scale, "monitor": monitor}


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--speed", type=float, default=60.0)
    given = options.parse_args()
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    result = asyncio.run(measure(given.seconds, given.speed))
    print(json.dumps(result, indent=2))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
