"""The monitor under load: 200 pods, 50 watch updates and 5,000 log lines a second, real scrapes, the real screen.

    python benchmarks/monitor.py [--seconds 600] [--pods 200] [--updates 50] [--lines 5000]

The API server is a process of its own on loopback TLS (tests/monitor/served_cluster.py). Keys are pressed four times a
second; a key's latency runs from the press to the end of the repaint it causes. Memory is this process' RSS over the
run; it is flat when the second half does not grow. Beside it runs a control: a bare application with 200 rows that
never change, pressed at the same rhythm; what is slow there as well is the machine's. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "monitor"))

from aiohttp import web
from served_cluster import NS, SVC, ServedCluster, engine_text, gpu_node, pod, service
from textual.app import App, ComposeResult
from textual.content import Content

from rhaii_tui.endpoints import Endpoints
from rhaii_tui.monitor.discovery import Wish
from screens.monitor import MonitorScreen
from screens.monitor_app import MonitorApp
from screens.widgets.live_rows import LiveRows

LINE = (
    "(EngineCore_DP0 pid=171) INFO 03-11 12:00:00 [loggers.py:123] Engine 000: Avg prompt throughput: {:8.1f} tokens/s"
)
POD_BYTES = 8_000
"""A vLLM pod under KServe is about 11 kB of JSON."""
SCRAPE_BYTES = 59_000
"""A real vLLM scrape."""
KEYS = ("down", "down", "down", "up", "pagedown", "pageup", "end", "home")
"""Each moves the cursor, wherever the round stands."""


class LoadedCluster(ServedCluster):
    """Writes logs as fast as asked."""

    lines = 5000

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/log"):
            if request.path.endswith(("/chat-000",)):
                return web.json_response(self.objects["Pod", NS, "chat-000"])
            return await super()._handle(request)
        response = web.StreamResponse()
        await response.prepare(request)
        sent, begun = 0, time.monotonic()
        while True:
            due = int((time.monotonic() - begun) * self.lines)
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            batch = [f"{stamp}.{n % 10**9:09d}Z {LINE.format(n)}\n" for n in range(sent, due)]
            sent = due
            await response.write("".join(batch).encode())
            await asyncio.sleep(0.05)


async def serve(folder: Path, pods: int, updates: int, lines: int) -> None:
    """The other process: print where it listens, then change pods until killed."""
    cluster = LoadedCluster(folder)
    cluster.lines = lines
    await cluster.start()
    cluster.put(service(pods))
    padding = "".join(f'vllm:unread_seconds_bucket{{engine="0",le="{n}",model_name="m"}} {n}\n' for n in range(860))
    names = [f"chat-{n:03d}" for n in range(pods)]
    for n, name in enumerate(names):
        cluster.put(gpu_node(f"node-{n:03d}"))
        replica = pod(name, node=f"node-{n:03d}")
        replica["metadata"]["annotations"] = {"padding": "x" * POD_BYTES}
        cluster.put(replica)
    (folder / "ca.pem").write_bytes(cluster.ca_pem)
    print(json.dumps({"address": cluster.address}), flush=True)
    begun, done = time.monotonic(), 0
    while True:
        await asyncio.sleep(0.1)
        elapsed = time.monotonic() - begun
        while done < elapsed * updates:
            done += 1
            name = random.choice(names)
            restarts = random.randrange(3)
            changed = pod(name, node=f"node-{name[5:]}", ready=random.random() > 0.05, restarts=restarts)
            changed["metadata"]["annotations"] = {"padding": "x" * POD_BYTES}
            cluster.put(changed)
        del cluster._told[:-2000]
        tokens = elapsed * 100
        text = engine_text(running=done % 40, tokens=tokens, queries=tokens * 3, hits=tokens * 2, count=int(tokens / 9))
        for name in names:
            cluster.metrics[name] = (text + padding)[:SCRAPE_BYTES]


def rss_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def pressed(app: App[Any], table: LiveRows, moved: asyncio.Event, key: str) -> float:
    """Milliseconds from the press of a key that moves the cursor to the end of the repaint that shows it."""
    moved.clear()
    begun = time.perf_counter()
    app.simulate_key(key)
    await asyncio.wait_for(moved.wait(), 30)
    shown = asyncio.Event()
    table.call_after_refresh(shown.set)
    await asyncio.wait_for(shown.wait(), 30)
    return (time.perf_counter() - begun) * 1000


class Still(App[None]):
    """Rows that never change."""

    def compose(self) -> ComposeResult:
        yield LiveRows()

    def on_mount(self) -> None:
        self.query_one(LiveRows).show(200, lambda y, width: Content(f"row {y}"))


async def control(seconds: float) -> None:
    """Press the same keys in an application that does nothing; print p50 and p95 of their latency."""
    app, late = Still(), []
    async with app.run_test(size=(120, 40)):
        table, moved = app.query_one(LiveRows), asyncio.Event()
        table.focus()
        app.screen.watch(table, "at", moved.set, init=False)
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            late.append(await pressed(app, table, moved, KEYS[len(late) % len(KEYS)]))
            await asyncio.sleep(0.25)
    late.sort()
    print(json.dumps({"control_ms_p50": at(late, 0.5), "control_ms_p95": at(late, 0.95)}))


def at(ranked: list[float], share: float) -> float:
    """A percentile of sorted values, to a tenth."""
    return round(ranked[min(len(ranked) - 1, int(len(ranked) * share))], 1)


async def watch(address: str, folder: Path, seconds: float, pods: int) -> dict[str, Any]:
    """Drive the screen; the figures."""
    served = ServedCluster(folder)
    served.address = address
    endpoints: Endpoints = served.endpoints()
    config = folder / "kubeconfig"
    cluster = {"server": f"https://{address}", "certificate-authority": str(folder / "ca.pem")}
    config.write_text(
        json.dumps(
            {
                "current-context": "bench",
                "clusters": [{"name": "bench", "cluster": cluster}],
                "users": [{"name": "bench", "user": {"token": "token"}}],
                "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            }
        )
    )

    @asynccontextmanager
    async def connect() -> AsyncIterator[Endpoints]:
        yield endpoints

    app = MonitorApp(connect, folder, lambda e: Wish(kubeconfig=config, service=f"{NS}/{SVC}"))
    late: list[float] = []
    memory: list[tuple[float, float]] = []
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, MonitorScreen)
        while screen.now is None or len(screen.now.replicas) < pods:
            await pilot.pause(0.05)
        table = screen.query_one("#replica-rows", LiveRows)
        table.focus()
        moved = asyncio.Event()
        screen.watch(table, "at", moved.set, init=False)
        begun, cpu, n = time.monotonic(), time.process_time(), 0
        while (elapsed := time.monotonic() - begun) < seconds:
            late.append(await pressed(app, table, moved, KEYS[n % len(KEYS)]))
            n += 1
            if not memory or elapsed - memory[-1][0] >= seconds / 20:
                memory.append((elapsed, rss_mb()))
                print(f"{elapsed:6.0f} s  RSS {memory[-1][1]:6.1f} MB  last key {late[-1]:5.1f} ms", flush=True)
            await asyncio.sleep(0.25)
        share = (time.process_time() - cpu) / (time.monotonic() - begun) * 100
        state, view = screen.now, screen.view
        assert state is not None
        assert view is not None
        assert view.logs is not None
        stream = view.logs.book.streams()[0]
        figures = {
            "pods": len(state.replicas),
            "counted": state.total.counted,
            "scrape_interval_s": round(state.interval, 2),
            "log_lines_kept": len(view.logs.book.lines(stream)),
        }
    ranked = sorted(late)
    half = [m for t, m in memory if t >= seconds / 2]
    return figures | {
        "seconds": seconds,
        "keys": len(late),
        "key_ms_p50": at(ranked, 0.5),
        "key_ms_p95": at(ranked, 0.95),
        "key_ms_max": round(ranked[-1], 1),
        "cpu_percent_of_a_core": round(share, 1),
        "rss_mb_middle": round(half[0], 1),
        "rss_mb_end": round(memory[-1][1], 1),
    }


def main() -> None:
    """Start the server process, measure, end it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--pods", type=int, default=200)
    parser.add_argument("--updates", type=int, default=50)
    parser.add_argument("--lines", type=int, default=5000)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--control", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.control:
        asyncio.run(control(options.seconds))
        return
    if options.serve is not None:
        asyncio.run(serve(options.serve, options.pods, options.updates, options.lines))
        return
    with tempfile.TemporaryDirectory() as name:
        words = [sys.executable, __file__, "--serve", name, "--pods", str(options.pods)]
        words += ["--updates", str(options.updates), "--lines", str(options.lines)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                address = json.loads(server.stdout.readline())["address"]
                still = [sys.executable, __file__, "--control", "--seconds", str(options.seconds)]
                with subprocess.Popen(still, stdout=subprocess.PIPE, text=True) as beside:
                    figures = asyncio.run(watch(address, Path(name), options.seconds, options.pods))
                    print(json.dumps(figures | json.loads(beside.communicate()[0])))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
