"""How the event loop fares under a busy log: our LogView beside Textual's RichLog, in the same run.

    python benchmarks/log_view.py [--rate 5000] [--seconds 4]

Prints, for each widget, the lines delivered per second, p50/p95/max of the event loop's lag (how late a 10 ms sleep
wakes: what a key press waits for) and the share of one core. Compare the ratios; absolute values are the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from statistics import quantiles

from textual.app import App, ComposeResult
from textual.widgets import RichLog

from screens.widgets.log_view import LogView

LINE = (
    "(EngineCore_DP0 pid=171) INFO 03-11 12:00:{:02d} [gpu_model_runner.py:2602] Capturing CUDA graphs "
    "(mixed prefill-decode, PIECEWISE) number {:06d} of a long row of them"
)
TICK = 0.05
PROBE = 0.01


class Bench(App[None]):
    """One log widget and nothing else."""

    def __init__(self, log: LogView | RichLog) -> None:
        super().__init__()
        self.log_widget = log

    def compose(self) -> ComposeResult:
        yield self.log_widget


async def lag(stop: asyncio.Event) -> list[float]:
    """Milliseconds by which a short sleep wakes too late, until `stop`."""
    late: list[float] = []
    while not stop.is_set():
        begun = time.perf_counter()
        await asyncio.sleep(PROBE)
        late.append((time.perf_counter() - begun - PROBE) * 1000)
    return late


async def feed(write: Callable[[list[str]], None], rate: int, seconds: float) -> int:
    """Offer `rate` lines a second in batches every 50 ms; how many were delivered in time."""
    sent, begun = 0, time.perf_counter()
    while (now := time.perf_counter() - begun) < seconds:
        due = int(now * rate)
        write([LINE.format(i % 60, i) for i in range(sent, due)])
        sent = due
        await asyncio.sleep(TICK)
    return sent


async def measure(name: str, log: LogView | RichLog, rate: int, seconds: float) -> dict[str, float]:
    """Run one widget; prints a line and returns its figures."""
    app = Bench(log)

    def write(lines: list[str]) -> None:
        if isinstance(log, LogView):
            log.extend(lines)
        else:
            for line in lines:
                log.write(line)

    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        stop = asyncio.Event()
        probe = asyncio.create_task(lag(stop))
        cpu, wall = time.process_time(), time.perf_counter()
        sent = await feed(write, rate, seconds)
        wall = time.perf_counter() - wall
        cpu = time.process_time() - cpu
        stop.set()
        late = await probe
    cuts = quantiles(late, n=20)
    row = {"rate": sent / wall, "p50": cuts[9], "p95": cuts[18], "max": max(late), "cpu": cpu / wall * 100}
    print(
        f"{name:<8} {row['rate']:8.0f} lines/s   lag p50 {row['p50']:7.1f} ms  p95 {row['p95']:7.1f} ms"
        f"  max {row['max']:7.1f} ms   CPU {row['cpu']:5.1f} %"
    )
    return row


async def run(rate: int, seconds: float) -> None:
    """Both widgets, one after the other."""
    ours = await measure("LogView", LogView(), rate, seconds)
    theirs = await measure("RichLog", RichLog(), rate, seconds)
    print(
        f"ratio RichLog / LogView: lag p95 {theirs['p95'] / max(ours['p95'], 0.001):.1f}x"
        f", max {theirs['max'] / max(ours['max'], 0.001):.1f}x, CPU {theirs['cpu'] / max(ours['cpu'], 0.1):.1f}x"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    asyncio.run(run(options.rate, options.seconds))
