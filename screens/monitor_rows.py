"""What the monitor shows, as text: head lines, a replica's row, status rows and the pages behind them."""

from __future__ import annotations

import math
import string
from typing import NamedTuple

from textual.content import Content

from rhaii_tui.kube.timestamps import age
from rhaii_tui.monitor import report
from rhaii_tui.monitor.history import History
from rhaii_tui.monitor.state import Figures, MonitorState, PartNow, ReplicaNow
from rhaii_tui.serving.latencies import Latency
from screens.theme.figures import clip, tail, usd
from screens.widgets.heat_strip import LEAST_TOP, spark

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
SIGNS = {
    "ready": ("✓", "$success"),
    "not ready": ("✗", "$error bold"),
    "stopped": ("■", "$warning"),
    "unknown": ("?", "$warning"),
}
SHORT = {"Gateway": "gateway", "HTTPRoute": "route", "InferencePool": "pool", "LLMInferenceService": "service"}
BESIDE_LOAD = 24
"""Cells of the load sparkline where there is room."""
Part = Content | tuple[str, str] | str


class Row(NamedTuple):
    """A status row and the page behind it."""

    line: Content
    title: str
    page: Content


def letter(index: int) -> str:
    """A replica's short name: letters, then numbers."""
    return _LETTERS[index] if index < len(_LETTERS) else str(index + 1)


def headline(state: MonitorState, width: int) -> Content:
    """The state, its sums, and since when they are not live."""
    glyph, style = SIGNS[state.state]
    total = state.total
    was = "" if state.pods_live else "was "
    parts: list[Part] = [(f"{glyph} {state.state} ", style), f"{was}{state.ready}/{_int(state.wanted)} replicas"]
    if total.counted:
        parts.append(f"  {_int(total.running)} running {_int(total.waiting)} waiting")
        if total.tokens_per_s is not None:
            parts.append(f"  {total.tokens_per_s:,.0f} tok/s")
        if total.hit_ratio is not None:
            parts.append(f"  hit {total.hit_ratio:.0%}")
    if state.replicas and total.counted < len(state.replicas):
        parts.append((f"  figures of {total.counted} of {len(state.replicas)}", "$warning"))
    if state.state != "ready" and state.lost_since is None:
        parts.append((f"  {state.why}", "$warning"))
    return Content.assemble(*parts).truncate(width, ellipsis=True)


def lost(state: MonitorState, width: int) -> Content:
    """What is not live and why; empty while everything is."""
    if state.lost_since is None:
        return Content("")
    link = min((k for k in state.links if k.lost_since is not None), key=lambda k: k.lost_since or 0.0)
    many = sum(k.lost_since is not None for k in state.links)
    what = "nothing" if many == len(state.links) else f"{many} of {len(state.links)} watches"
    word = "is live" if what == "nothing" else "not live"
    text = (
        f"! {what} {word} since {report.clock(state.lost_since)} ({age(state.at - state.lost_since)}): {link.problem}"
    )
    return Content.styled(text, "$warning bold").truncate(width, ellipsis=True)


def chain(state: MonitorState, width: int) -> Content:
    """The request path in its order, each part with its sign."""
    pieces: list[Content] = []
    for part in state.parts:
        glyph, style = SIGNS[part.state]
        name = SHORT[part.kind] + (f" {part.address}" if part.kind == "Gateway" and part.address else "")
        pieces.append(Content.assemble((f"{glyph} ", style), name))
        if part.kind == "InferencePool":
            pieces.append(_picker(state))
    return Content(" → ").join(pieces).truncate(width, ellipsis=True)


def _picker(state: MonitorState) -> Content:
    picker = state.picker
    if picker is None:
        return Content.assemble(("? ", "$warning"), "picker: no pod")
    glyph, style = _sign(picker.is_ready, state)
    said = ""
    if picker.decisions_per_s is not None:
        said = f" {picker.decisions_per_s:.1f}/s"
    if picker.lost_since is not None:
        said += f" not live since {report.clock(picker.lost_since)}"
    elif picker.at is None and picker.problem:
        said = " figures unknown"
    return Content.assemble((f"{glyph} ", style), "picker", (said, "$dim"))


def cost(state: MonitorState, width: int) -> Content:
    """Now, idle, since the start; with the date of the prices where there is room."""
    money = state.cost
    if money.bill is None:
        return Content.styled("cost unknown: the nodes have not been read", "$warning")
    parts: list[Part] = [(f"{report.usd_per_hour(state)}", "bold")]
    if money.idle_per_hour is not None:
        idle = "$warning" if money.idle_per_hour else "$dim"
        parts.append((f"  idle {usd(money.idle_per_hour, 'h')}", idle))
    if money.idle_spent is not None:
        parts.append((f" ({usd(money.idle_spent)} while watched)", "$dim"))
    if money.since_start is not None:
        parts.append((f"  {usd(money.since_start)} since the nodes were created", "$dim"))
    if money.lost_since is not None:
        parts.append((f"  nodes not live since {report.clock(money.lost_since)}", "$warning"))
    dates = sorted({c.as_of for c in money.bill.components if c.as_of})
    if dates:
        parts.append((f"  list prices of {' to '.join(dict.fromkeys((dates[0], dates[-1])))}", "$dim"))
    return Content.assemble(*parts).truncate(width, ellipsis=True)


def header(width: int) -> Content:
    """The replicas' columns."""
    status = _status_width(width)
    text = f"    {'pod':<6}{'status':<{status}}{'rdy':<4}{'rst':>4}{'run':>5}{'wait':>5}{'KV':>5}{'hit':>5}"
    text += f"{'TTFT':>7}{'ITL':>7}{'tok/s':>7}{'age':>6}"
    if width >= 110:
        text += f"  {'load':<{BESIDE_LOAD}}"
    if width >= 160:
        text += "  p95 of TTFT, node"
    return Content.styled(text, "$dim")


def _status_width(width: int) -> int:
    return max(11, min(24, width - 68)) if width < 110 else 18


def replica(state: MonitorState, index: int, width: int, history: History) -> Content:
    """One row: kubectl's words, the truth beside them, and what the engine says, with its age."""
    seen = state.replicas[index]
    f = seen.figures
    live = f.live
    figure = "" if live else "$dim"
    glyph, style = _sign(seen.is_ready, state)
    status = _status_width(width)
    parts: list[Part] = [
        (f"{letter(index):<2}", "bold"),
        (f"{glyph} ", style),
        f"{seen.pod[-5:]:<6}",
        (clip(seen.word, status - 1).ljust(status), "" if seen.is_ready else "$warning"),
        f"{seen.ready:<4}",
        (f"{seen.restarts:>4}", "$warning" if seen.restarts else ""),
        (f"{_int(f.running):>5}{_int(f.waiting):>5}{_percent(f.kv_usage):>5}{_percent(f.hit_ratio):>5}", figure),
        (f"{_short(f.ttft):>7}{_short(f.itl):>7}{_rate(f.tokens_per_s):>7}", figure),
        _age(f, state),
    ]
    if width >= 110:
        parts += ["  ", spark(history, seen.pod, "load", state.at, BESIDE_LOAD, state.interval, LEAST_TOP["load"] * 2)]
    if width >= 160:
        worst = _bucket(f.ttft)
        parts.append((f"  {worst:<10}{tail(seen.node, width - 150)}", "$dim"))
    return Content.assemble(*parts)


def _sign(is_ready: bool, state: MonitorState) -> tuple[str, str]:
    """Of a pod: only what is known now may be green."""
    return SIGNS["unknown" if not state.pods_live else "ready" if is_ready else "not ready"]


def _age(f: Figures, state: MonitorState) -> tuple[str, str]:
    if f.at is None:
        return (f"{'?' if f.problem else '…':>6}", "$warning")
    text = age(state.at - f.at)
    return (f"{'!' + text:>6}", "$warning bold") if f.lost_since is not None else (f"{text:>6}", "$dim")


def _int(value: int | None) -> str:
    return "?" if value is None else str(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _short(latency: Latency | None) -> str:
    if latency is None:
        return "–"
    return f"{latency.mean * 1000:.0f}ms" if latency.mean < 10 else f"{latency.mean:.0f}s"


def _bucket(latency: Latency | None) -> str:
    if latency is None:
        return "–"
    return ">last" if math.isinf(latency.p95_bucket) else f"≤{report.milliseconds(latency.p95_bucket)}"


def replica_page(seen: ReplicaNow, state: MonitorState) -> Content:
    """Everything about one replica, and how each figure was come by."""
    f = seen.figures
    lines = [
        f"{seen.pod}",
        f"kubectl says {seen.word} {seen.ready}, restarts {seen.restarts_text}; "
        f"its Ready condition is {'True' if seen.is_ready else 'not True'}"
        + ("; it is being deleted" if seen.terminating else ""),
        f"on {seen.node or 'no node yet'}, created {age(state.at - seen.created_at)} ago",
        f"containers: {', '.join(seen.containers)}",
    ]
    if seen.message:
        lines.append(f"the cluster says: {seen.message}")
    lines += ["", report.figures(f, state.at)]
    if f.at is not None:
        lines += [
            f"read at {report.clock(f.at)}, asked every {state.interval:.0f} s; ratios and latencies cover the last "
            f"{f.window:.0f} s, rates per second the last 8 s or less.",
            "hit: cached tokens of looked-up tokens. KV: blocks held by running requests; an idle replica shows 0% "
            "however full its prefix cache is.",
        ]
        for name, latency in (("TTFT", f.ttft), ("inter-token latency", f.itl)):
            if latency is not None:
                seen_often = f"{latency.count:.0f} observations"
                lines.append(
                    f"{name}: {report.latency_text(latency)}, {seen_often}; the mean is exact, a percentile is"
                )
                lines.append("    only known to lie in its bucket")
    if f.restarted_at is not None:
        lines.append(f"its counters started over at {report.clock(f.restarted_at)}; rates begin anew from there")
    return Content("\n".join(lines))


def status(state: MonitorState, width: int) -> list[Row]:
    """What is not live, the request path, the nodes, events: the worst of each first."""
    rows = [_link_row(k.name, k.problem, state, k.lost_since, width) for k in state.links if not k.live and k.problem]
    rows += [_part_row(part, state, width) for part in state.parts]
    if state.picker is not None:
        rows.append(_picker_row(state, width))
    rows += _node_rows(state, width)
    for event in state.events:
        style = "$warning" if event.level == "Warning" else "$dim"
        when = age(state.at - event.at)
        count = f" x{event.count}" if event.count > 1 else ""
        name = tail(event.object.partition("/")[2], 12)
        text = clip(f"{when:>5} {event.reason}{count} {name} {event.message}", width)
        page = f"{event.level} {event.reason}, {event.count} times, last {when} ago\n{event.object}\n\n{event.message}"
        rows.append(Row(Content.styled(text, style), event.reason, Content(page)))
    return rows


def _link_row(name: str, problem: str, state: MonitorState, since: float | None, width: int) -> Row:
    when = f" since {report.clock(since)}" if since else ""
    line = Content.assemble(("? ", "$warning"), clip(f"{name} not live{when}: {problem}", width - 2))
    return Row(line, name, Content(f"{name} not live{when}\n\n{problem}\n\nThe last known state stays on screen."))


def _part_row(part: PartNow, state: MonitorState, width: int) -> Row:
    glyph, style = SIGNS[part.state]
    old = f" not live since {report.clock(part.lost_since)}" if part.lost_since else ""
    line = Content.assemble((f"{glyph} ", style), clip(f"{SHORT[part.kind]}{old}: {part.why}", width - 2))
    lines = [f"{part.kind} {part.name}{old}", part.why, f"address {part.address}" if part.address else "", ""]
    for reading in part.conditions:
        lines.append(f"{reading.condition}={reading.status} {reading.reason} {reading.message}".rstrip())
        if reading.meaning and reading.status != "True":
            lines.append(f"    {reading.meaning}")
    if part.observed_at is not None:
        lines += ["", f"as of {report.clock(part.observed_at)}"]
    return Row(line, f"{part.kind} {part.name}", Content("\n".join(lines)))


def _picker_row(state: MonitorState, width: int) -> Row:
    picker = state.picker
    assert picker is not None
    glyph, style = _sign(picker.is_ready, state)
    said = f"picker: {picker.word} {picker.ready}"
    if picker.decisions_per_s is not None:
        said += f", {picker.decisions_per_s:.1f} decisions/s"
    if picker.errors_per_s:
        said += f", {picker.errors_per_s:.1f} errors/s"
    if picker.ready_pods is not None:
        said += f", counts {picker.ready_pods} ready replicas"
    said += report.trouble(picker.problem, picker.lost_since)
    page = f"{picker.pod}\n{said}\nrestarts {picker.restarts_text}\n{picker.message}\n"
    page += f"decisions since it started: {_rate(picker.decisions)}"
    if picker.at is not None:
        page += f", read {age(state.at - picker.at)} ago"
    return Row(Content.assemble((f"{glyph} ", style), clip(said, width - 2)), "Endpoint picker", Content(page))


def _node_rows(state: MonitorState, width: int) -> list[Row]:
    if not state.nodes:
        return []
    good = sum(n.is_ready for n in state.nodes)
    with_units = [n for n in state.nodes if n.accelerator]
    units = sum(n.allocatable for n in with_units)
    names = ", ".join(sorted({n.accelerator for n in with_units})) or "accelerators"
    all_good = good == len(state.nodes) and all(n.allocatable for n in with_units)
    glyph, style = SIGNS["unknown" if state.cost.lost_since else "ready" if all_good else "not ready"]
    text = f"nodes: {good} of {len(state.nodes)} Ready, {units} {names} allocatable on {len(with_units)} nodes"
    lines = []
    for n in state.nodes:
        ready = "Ready" if n.is_ready else f"NOT READY: {n.reason}"
        closed = "" if n.schedulable else ", closed to new pods"
        unit = f", {n.allocatable} of {n.units} {n.accelerator} allocatable" if n.accelerator else ""
        spot = ", spot" if n.spot else ""
        lines.append(f"{n.name}  {ready}{closed}{unit}{spot}  {n.machine}  {len(n.replicas)} replicas")
    rows = [Row(Content.assemble((f"{glyph} ", style), clip(text, width - 2)), "Nodes", Content("\n".join(lines)))]
    for n in state.nodes:
        if not n.is_ready:
            line = Content.assemble(("✗ ", "$error bold"), clip(f"node {tail(n.name, 24)}: {n.reason}", width - 2))
            rows.append(Row(line, n.name, Content(n.reason)))
    return rows
