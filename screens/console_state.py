"""What the console screen shows, folded from the console's events. Pure: no Textual, no judgement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median

from rhaii_tui.cachetest.records import (
    Concluded,
    ConsoleEvent,
    HealthChecked,
    LoadMeasured,
    PhaseStarted,
    Record,
    RequestDone,
    Share,
    SharesMeasured,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class ConsoleState:
    """One console run so far."""

    known: tuple[str, ...] = ()
    """Replicas known before the test: their letters must not change while it runs."""
    health: tuple[HealthChecked, ...] = ()
    phase: PhaseStarted | None = None
    done: int = 0
    """Requests finished in the current phase."""
    records: tuple[Record, ...] = ()
    """Of the affinity and control phases: a few dozen. Load requests are only counted."""
    shares: tuple[Share, ...] = ()
    load: LoadMeasured | None = None
    verdict: Verdict | None = None

    @property
    def families(self) -> tuple[str, ...]:
        """Prefixes in the order in which they were first sent."""
        return tuple(dict.fromkeys(r.family for r in self.records if r.phase == "affinity"))

    @property
    def pods(self) -> tuple[str, ...]:
        """Replicas that are known to have answered or counted, in a stable order: their letters."""
        named = {r.replica for r in self.records if r.replica} | {s.pod for s in self.shares} | set(self.known)
        return tuple(sorted(named))

    def letter(self, pod: str) -> str:
        """A, B, C … for a replica; `?` for an answer that could not be attributed."""
        return chr(ord("A") + self.pods.index(pod)) if pod in self.pods else "?"

    def row(self, family: str) -> tuple[Record, ...]:
        """The requests of one prefix by repeat."""
        found = [r for r in self.records if r.phase == "affinity" and r.family == family]
        return tuple(sorted(found, key=lambda r: r.repeat))

    def first_token_ms(self) -> tuple[float | None, float | None]:
        """Median time to the first token: prefixes never seen before, and repeated ones."""
        cold = [r.ttft_ms for r in self.records if _is_cold(r) and r.ttft_ms is not None]
        warm = [r.ttft_ms for r in self.records if not _is_cold(r) and r.ttft_ms is not None]
        return (median(cold) if cold else None), (median(warm) if warm else None)


def _is_cold(record: Record) -> bool:
    return record.phase == "control" or record.repeat == 0


def fold(state: ConsoleState, event: ConsoleEvent) -> ConsoleState:
    """The state after one more event."""
    match event:
        case HealthChecked():
            return replace(state, health=(*state.health, event))
        case PhaseStarted():
            return replace(state, phase=event, done=0)
        case RequestDone():
            kept = state.records
            if event.record.phase in ("affinity", "control"):
                kept = (*(r for r in kept if r.id != event.record.id), event.record)
            return replace(state, records=kept, done=state.done + 1)
        case SharesMeasured():
            return replace(state, shares=event.shares)
        case LoadMeasured():
            return replace(state, load=event)
        case Concluded():
            return replace(state, verdict=event.verdict, phase=None)
