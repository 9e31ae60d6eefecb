"""The console's words: health, matrix, shares, throughput, verdict."""

from __future__ import annotations

from textual.content import Content

from rhaii_tui.cachetest.records import Record, Verdict
from screens.console_state import ConsoleState
from screens.theme.figures import clip, gauge
from screens.theme.signs import STATUS, sign

_USUAL = {"warm-up": "about 3 s", "affinity": "about 15 s", "control": "about 5 s", "load": "about 6 s"}


def head(state: ConsoleState, running: bool) -> Content:
    """What is being done now and how far it is."""
    if state.phase is not None and running:
        total = state.phase.total
        count = f"{state.done}/{total}" if total else f"{state.done} so far, {state.phase.seconds:g} s"
        bar = f"  {gauge(state.done, total, 12)}" if total else ""
        usual = _USUAL.get(state.phase.phase, "")
        return Content.assemble(
            (f"▸ {state.phase.phase} ", "$accent bold"),
            count,
            (bar, "$accent"),
            (f"  usually {usual}" if usual else "", "$dim"),
            (f"  {state.phase.note}" if state.phase.note else "", "$dim"),
        )
    if running:
        return Content.assemble(
            ("▸ health ", "$accent bold"), ("asks gateway, model and replicas, usually 2 s", "$dim")
        )
    if state.verdict is not None:
        again = Content.assemble(("r", "$accent bold"), " tests again   ", ("g", "$accent bold"), " goes on")
        return Content.assemble(f"{state.verdict.sent} requests sent, {state.verdict.ok} answered   ", again)
    return Content.assemble(("Stopped. ", "$warning"), ("r", "$accent bold"), " tests again")


def health(state: ConsoleState, width: int) -> Content:
    """What passed on one line; everything else in full."""
    lines = []
    passed = [h.name for h in state.health if h.status == "PASS"]
    if passed:
        mark = STATUS["PASS"]
        lines.append(Content.assemble((f"{mark.glyph} PASS  ", mark.style), clip(", ".join(passed), width - 9)))
    for check in state.health:
        if check.status != "PASS":
            mark = sign(check.status)
            lines.append(Content.assemble((f"{mark.glyph} {mark.word}  ", mark.style), f"{check.name}: {check.text}"))
    return Content("\n").join(lines) if lines else Content.styled("Not asked yet.", "$dim")


def matrix(state: ConsoleState, repeats: int, wide: bool) -> Content:
    """Prefix by repeat: the letter is the replica that answered; `*` marks one that left its prefix's first replica."""
    cell = 8 if wide else 4
    names = ["new", *(str(i + 1) for i in range(1, repeats))]
    lines = [Content.styled("prefix " + "".join(f"{n:>{cell}}" for n in names), "$dim")]
    for number, family in enumerate(state.families, 1):
        row = state.row(family)
        home = row[0].replica if row and row[0].repeat == 0 else ""
        cells = [_cell(state, r, home, cell, wide) for r in row]
        lines.append(Content.assemble(f"  {number:<5}", *cells))
    if not state.families:
        lines.append(Content.styled("The same long prefix, asked again: does it come back to one replica?", "$dim"))
    return Content("\n").join(lines)


def _cell(state: ConsoleState, record: Record, home: str, width: int, wide: bool) -> Content:
    if not record.ok:
        return Content.styled(f"{'✗':>{width}}", "$error bold")
    letter = state.letter(record.replica)
    astray = bool(record.repeat and home and record.replica and record.replica != home)
    time = f"{record.ttft_ms:.0f}" if wide and record.ttft_ms is not None else ""
    text = f"{letter}{'*' if astray else ''}{' ' if time else ''}{time}"
    style = "$warning bold" if astray else "$accent bold" if record.repeat else ""
    return Content.styled(f"{text:>{width}}", style)


def replicas(state: ConsoleState, width: int) -> Content:
    """Each replica's part, by its own counters."""
    lines = [Content.styled(f"{'':<9}{'requests':>9} {'hit tokens':>12}", "$dim")]
    most = max((s.requests for s in state.shares), default=0)
    bar = max(6, min(24, width - 34))
    for share in sorted(state.shares, key=lambda s: s.pod):
        ratio = f"{share.hits / share.queries:.0%}" if share.queries else "none"
        lines.append(
            Content.assemble(
                (f"{state.letter(share.pod)} ", "$accent bold"),
                f"{share.pod[-5:]:<7}{share.requests:>9} {share.hits:>6.0f} {ratio:>5}  ",
                (gauge(share.requests, most, bar), "$accent"),
            )
        )
    if not state.shares:
        lines.append(Content.styled("Counted when the phase ends.", "$dim"))
    cold, warm = state.first_token_ms()
    if cold is not None:
        cached = f"{warm:.0f} ms repeated" if warm is not None else "not repeated yet"
        lines.append(Content.assemble(("first token, median  ", "$dim"), f"{cold:.0f} ms new, {cached}"))
    return Content("\n").join(lines)


def throughput(state: ConsoleState) -> Content:
    """The closed loop's figures, with what they are not."""
    load = state.load
    if load is None:
        return Content.styled("Measured last, in a closed loop.", "$dim")

    def ms(value: float | None) -> str:
        return "too few" if value is None else f"{value:.0f} ms"

    errors = Content.styled(f"{load.errors} errors", "$error bold" if load.errors else "$dim")
    return Content.assemble(
        (f"{load.requests_per_second:.1f} req/s", "bold"),
        f"  {load.output_tokens_per_second:.0f} tokens/s  ",
        errors,
        (f"\n{load.concurrency} in flight, {load.seconds:.0f} s, closed loop: not a capacity", "$dim"),
        f"\nfirst token p50 {ms(load.ttft_p50_ms)}, p95 {ms(load.ttft_p95_ms)}",
        f"\nwhole answer p50 {ms(load.total_p50_ms)}",
    )


def verdict(found: Verdict | None) -> Content:
    """Routing, cache, and every reason."""
    if found is None:
        return Content.styled("Comes when everything has been counted. A 200 proves nothing; counters do.", "$dim")
    routing, cache = sign(found.routing), sign(found.cache)
    lines = [
        Content.assemble(
            ("Routing ", "$dim"),
            (f"{routing.glyph} {routing.word}   ", routing.style),
            ("Cache ", "$dim"),
            (f"{cache.glyph} {cache.word}   ", cache.style),
            (found.verdict, "bold"),
        )
    ]
    lines += [Content(f"- {reason}") for reason in found.reasons]
    if found.saved_ms is not None:
        point, low, high = found.saved_ms
        lines.append(
            Content(f"- A repeated prefix saves {point:.0f} ms to the first token (95 %: {low:.0f} to {high:.0f}).")
        )
    if found.hint:
        lines.append(
            Content.assemble(("Next: ", "$accent bold"), found.hint, ("  d", "$accent bold"), " shows the broken hop.")
        )
    return Content("\n").join(lines)
