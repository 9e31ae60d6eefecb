"""Our reflector beside the package's own Watch: CPU, memory and latency for 2,000 pods with 200 updates a second.

    python benchmarks/reflector.py [--pods 2000] [--rate 200] [--seconds 20]

Both run against the same generator (benchmarks/apiserver.py), one after the other, each in a process of its own, and
are measured from the moment their list is complete. CPU is the process' own time as a share of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Meter:
    """CPU share and latencies of a window."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = self._cpu = 0.0
        self._latencies: list[float] = []
        self.list_seconds = 0.0

    def start(self, list_seconds: float) -> None:
        """The list is complete; measure from here."""
        self.list_seconds = list_seconds
        self._begun, self._cpu = time.monotonic(), time.process_time()

    def seen(self, sent: float) -> bool:
        """Count an update; False when the window is over."""
        now = time.monotonic()
        if sent >= self._begun:
            self._latencies.append(now - sent)
        return now - self._begun < self._seconds

    def report(self, client: str) -> dict[str, Any]:
        """The figures."""
        wall = time.monotonic() - self._begun
        ranked = sorted(self._latencies) or [float("nan")]
        return {
            "client": client,
            "list_seconds": round(self.list_seconds, 2),
            "updates_per_second": round(len(self._latencies) / wall, 1),
            "cpu_percent_of_a_core": round((time.process_time() - self._cpu) / wall * 100, 1),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "latency_ms_p50": round(ranked[len(ranked) // 2] * 1000, 1),
            "latency_ms_p99": round(ranked[int(len(ranked) * 0.99)] * 1000, 1),
        }


async def ours(port: int, seconds: float) -> dict[str, Any]:
    """rhaii_tui.kube.reflector, keeping every pod as the product does."""
    from kubernetes.aio.client.api_client import ApiClient
    from kubernetes.aio.client.configuration import Configuration

    from rhaii_tui.kube.connect import Cluster
    from rhaii_tui.kube.credentials import NoToken
    from rhaii_tui.kube.kinds import KINDS
    from rhaii_tui.kube.reflector import Changed, Reflector, Synced

    configuration = Configuration(host=f"http://127.0.0.1:{port}")
    configuration.client_session_kwargs = {"trust_env": False}
    cluster = Cluster(ApiClient(configuration), NoToken())
    meter, begun = Meter(seconds), time.monotonic()
    kept: dict[str, Any] = {}
    async with aclosing(aiter(Reflector(cluster, KINDS["Pod"].path("bench")))) as happenings:
        async for happening in happenings:
            if isinstance(happening, Synced):
                kept = {p["metadata"]["uid"]: p for p in happening.items}
                meter.start(time.monotonic() - begun)
            elif isinstance(happening, Changed):
                kept[happening.obj["metadata"]["uid"]] = happening.obj
                if not meter.seen(float(happening.obj["metadata"]["annotations"]["sent"])):
                    break
    report = meter.report(f"reflector ({len(kept)} pods)")
    await cluster.close()
    return report


async def theirs(port: int, seconds: float) -> dict[str, Any]:
    """kubernetes.aio's Watch with its models, as its documentation shows it."""
    from kubernetes.aio import client, watch

    configuration = client.Configuration(host=f"http://127.0.0.1:{port}")
    configuration.client_session_kwargs = {"trust_env": False}
    meter, begun = Meter(seconds), time.monotonic()
    kept: dict[str, Any] = {}
    async with client.ApiClient(configuration) as connection:
        core = client.CoreV1Api(connection)
        listing = await core.list_namespaced_pod("bench")
        kept = {p.metadata.uid: p for p in listing.items}
        meter.start(time.monotonic() - begun)
        stream = watch.Watch().stream(
            core.list_namespaced_pod, "bench", resource_version=listing.metadata.resource_version
        )
        async for event in stream:
            found = event["object"]
            kept[found.metadata.uid] = found
            if not meter.seen(float(found.metadata.annotations["sent"])):
                break
    return meter.report(f"kubernetes.aio Watch ({len(kept)} pods)")


def main() -> int:
    """Run both, print a table and one JSON line; exit 1 when the reflector takes 10 % of a core or more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        run = ours if options.only == "ours" else theirs
        print(json.dumps(asyncio.run(run(options.port, options.seconds))))
        return 0
    server = subprocess.Popen(
        [sys.executable, str(HERE / "apiserver.py"), str(options.pods), str(options.rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    reports = []
    try:
        port = json.loads(server.stdout.readline())["port"]
        for only in ("ours", "theirs"):
            command = [sys.executable, __file__, "--only", only, "--port", str(port), "--seconds", str(options.seconds)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            reports.append(json.loads(done.stdout.splitlines()[-1]))
    finally:
        server.stdin.close()
        server.wait(10)
    for name in reports[0]:
        print(f"{name:>24}  " + "  ".join(f"{r[name]!s:>34}" for r in reports))
    print(json.dumps({"pods": options.pods, "rate": options.rate, "reports": reports}))
    return 0 if reports[0]["cpu_percent_of_a_core"] < 10 else 1


if __name__ == "__main__":
    sys.exit(main())
