"""A monitor state as JSON, as plain lines, and as one line for a status bar."""

from __future__ import annotations

import math
from dataclasses import asdict, is_dataclass
from typing import Any

from pydantic import BaseModel

from rhaii_tui.kube.timestamps import age
from rhaii_tui.monitor.state import Figures, MonitorState, ReplicaNow
from rhaii_tui.serving.latencies import Latency

GLYPH = {"ready": "✓", "not ready": "✗", "stopped": "■", "unknown": "?"}


def record(state: MonitorState) -> dict[str, Any]:
    """Everything, with Unix times; an infinite bucket is the text `inf`. What is unknown is null."""
    data = {"type": "snapshot", **_plain(state)}
    data["lost_since"], data["ready"] = state.lost_since, state.ready
    for part, seen in zip(data["parts"], state.parts, strict=True):
        for condition, reading in zip(part["conditions"], seen.conditions, strict=True):
            condition["meaning"] = reading.meaning
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(getattr(value, name)) for name in asdict(value)}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def one_line(state: MonitorState) -> str:
    """`qwen-svc ✓ ready 3/3 · 12 running 0 waiting · hit 84% · 512 tok/s · $2.01/h`; says so when it is not live."""
    total, parts = state.total, []
    was = "" if state.pods_live else "was "
    parts.append(f"{state.service} {GLYPH[state.state]} {state.state} {was}{state.ready}/{_int(state.wanted)}")
    if state.lost_since is not None:
        parts.append(f"not live since {clock(state.lost_since)}")
    elif total.counted < total.replicas:
        parts.append(f"figures of {total.counted} of {total.replicas} replicas")
    if total.counted:
        parts.append(f"{_int(total.running)} running {_int(total.waiting)} waiting")
    if total.hit_ratio is not None:
        parts.append(f"hit {total.hit_ratio:.0%}")
    if total.tokens_per_s is not None:
        parts.append(f"{total.tokens_per_s:.0f} tok/s")
    parts.append(usd_per_hour(state))
    return " · ".join(parts)


def usd_per_hour(state: MonitorState) -> str:
    """The bill of what exists now, an incomplete one marked, an unknown one named."""
    cost = state.cost
    if cost.per_hour is None:
        return "cost unknown"
    return f"{'' if cost.complete else 'at least '}${cost.per_hour:.2f}/h"


def clock(at: float) -> str:
    """Wall clock time, `14:03:59`."""
    from datetime import datetime

    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def lines(state: MonitorState) -> list[str]:
    """For a person without screens."""
    found = [f"{clock(state.at)} {one_line(state)}", f"  {state.why}; {state.url or 'no address yet'}"]
    found += [_replica_line(r, state.at) for r in state.replicas]
    if (picker := state.picker) is not None:
        said = f"{picker.word} {picker.ready}{'' if picker.is_ready else ' NOT READY'}"
        if picker.decisions_per_s is not None:
            said += f", {picker.decisions_per_s:.1f} decisions/s"
        if picker.at is not None:
            said += f" ({age(state.at - picker.at)} old)"
        found.append(f"  endpoint picker {picker.pod} {said}{trouble(picker.problem, picker.lost_since)}")
    for part in state.parts:
        meaning = next((r.meaning for r in part.conditions if r.status != "True" and r.meaning), "")
        lost = f" (not live since {clock(part.lost_since)})" if part.lost_since else ""
        found.append(f"  {GLYPH[part.state]} {part.kind} {part.name}: {part.why} {meaning}".rstrip() + lost)
    for node in state.nodes:
        what = f"{node.units}x {node.accelerator}, {node.allocatable} allocatable" if node.accelerator else ""
        found.append(f"  node {node.name} {'Ready' if node.is_ready else f'NOT READY: {node.reason}'} {what}".rstrip())
    found += [f"  {link.name}: {link.problem}" for link in state.links if not link.live and link.problem]
    warnings = [e for e in state.events if e.level == "Warning"][:5]
    found += [f"  event {age(state.at - e.at)} ago {e.reason} {e.object}: {e.message}" for e in warnings]
    found.append(f"  cost {_cost(state)}")
    return found


def _replica_line(replica: ReplicaNow, now: float) -> str:
    ready = "" if replica.is_ready else " NOT READY"
    head = f"  {replica.pod} {replica.word} {replica.ready}{ready} restarts {replica.restarts_text}"
    return f"{head} on {replica.node or 'no node'}: {figures(replica.figures, now)}"


def figures(seen: Figures, now: float) -> str:
    """`2 running 0 waiting, KV 12%, hit 84% over 60 s, TTFT mean 210 ms, p95 <= 500 ms (bucket), 9 tok/s (1s old)`."""
    if seen.at is None:
        return seen.problem or "no figures yet"
    parts = [f"{_int(seen.running)} running {_int(seen.waiting)} waiting"]
    if seen.kv_usage is not None:
        parts.append(f"KV {seen.kv_usage:.0%}")
    parts.append("no lookups" if seen.hit_ratio is None else f"hit {seen.hit_ratio:.0%} over {seen.window:.0f} s")
    for name, latency in (("TTFT", seen.ttft), ("inter-token", seen.itl)):
        if latency is not None:
            parts.append(f"{name} {latency_text(latency)}")
    if seen.tokens_per_s is not None:
        parts.append(f"{seen.tokens_per_s:.0f} tok/s")
    return ", ".join(parts) + f" ({age(now - seen.at)} old)" + trouble(seen.problem, seen.lost_since)


def latency_text(latency: Latency) -> str:
    """`mean 210 ms, p95 <= 500 ms (bucket)`."""
    worst = "beyond the last bucket" if math.isinf(latency.p95_bucket) else f"<= {milliseconds(latency.p95_bucket)}"
    return f"mean {milliseconds(latency.mean)}, p95 {worst} (bucket)"


def milliseconds(seconds: float) -> str:
    """`210 ms`, `3.4 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def trouble(problem: str, lost_since: float | None) -> str:
    """The tail of a line whose figures could not be renewed; empty when they could."""
    if lost_since is not None:
        return f", NOT LIVE since {clock(lost_since)}: {problem}"
    return f", {problem}" if problem else ""


def _cost(state: MonitorState) -> str:
    cost = state.cost
    if cost.bill is None:
        return "unknown: the nodes could not be read"
    text = f"{usd_per_hour(state)} now"
    if cost.since_start is not None:
        text += f", ${cost.since_start:.2f} since the present nodes were created"
    if cost.idle_per_hour is not None:
        text += f", ${cost.idle_per_hour:.2f}/h of it idle accelerators"
    dates = sorted({c.as_of for c in cost.bill.components if c.as_of})
    lost = f", nodes not live since {clock(cost.lost_since)}" if cost.lost_since else ""
    return f"{text} (list prices of {' to '.join(dict.fromkeys((dates[0], dates[-1]))) if dates else 'no date'}){lost}"


def _int(value: int | None) -> str:
    return "?" if value is None else str(value)
