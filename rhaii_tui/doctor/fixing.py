"""A fix at work: shown first, journaled, sent strictly, and taken back where that makes sense."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rhaii_tui.deployment import events as run_events
from rhaii_tui.doctor.notebook import Done, Entry, Notebook, new_id
from rhaii_tui.doctor.objects import bare, difference, merged, way_back
from rhaii_tui.doctor.place import Place
from rhaii_tui.doctor.rule import Change, Fix
from rhaii_tui.doctor.sending import Refused, Sender
from rhaii_tui.endpoints import Endpoints

if TYPE_CHECKING:
    from rhaii_tui.kube.connect import Cluster

Record = Callable[[run_events.Event], None]
_READ_FIRST = ("apply", "patch", "create", "delete")
_ONE_WAY = ("secret-from-file", "enable-api", "restore")


@dataclass(frozen=True, slots=True)
class Step:
    """One change as it would come out: `text` is a unified diff or a sentence; `refusal`: the server would refuse."""

    change: Change
    text: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a fix would do, nothing of it done."""

    fix: Fix
    steps: tuple[Step, ...]

    @property
    def refused(self) -> str:
        """Why it cannot be applied; empty when it can."""
        return next((s.refusal for s in self.steps if s.refusal), "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fix or its undoing. `failure` is one sentence for a person; `entry` undoes it."""

    ok: bool
    done: tuple[str, ...]
    failure: str = ""
    entry: str = ""


class Surgery:
    """Fixes for one place. `record` is the open run's journal, when there is one: what is created enters its ledger.
    `busy` names the run that is working on the same service now, if any: no replica is taken away from under it."""

    def __init__(
        self,
        place: Place,
        endpoints: Endpoints,
        cluster: Cluster | None,
        notebook: Notebook,
        record: Record | None = None,
        busy: Callable[[], str] = lambda: "",
    ) -> None:
        self._place = place
        self._notebook = notebook
        self._record = record
        self._send = Sender(place, endpoints, cluster, busy)

    async def preview(self, fix: Fix) -> Preview:
        """The fix's changes against the live objects, validated by the server without effect."""
        return Preview(fix, tuple([await self._foresee(change) for change in fix.changes]))

    async def _foresee(self, change: Change) -> Step:
        try:
            if change.verb in ("apply", "patch"):
                before = await self._send.read(change)
                after = await self._send.send(change, dry_run=True)
                text = difference(before, after, change.object) or f"{change.object}: already so"
                return Step(change, text)
            if change.verb == "delete":
                live = await self._send.read(change)
                return Step(change, f"delete {change.object}" if live else f"{change.object} is gone already")
            if change.verb == "secret-from-file":
                await self._send.send(change, dry_run=True)
            if change.verb == "roll":
                return Step(change, self._send.words(change), self._send.refusal_to_roll)
        except Refused as refused:
            return Step(change, f"{change.verb} {change.object}", str(refused))
        return Step(change, self._send.words(change))

    async def apply(self, rule: str, fix: Fix) -> Outcome:
        """Send the changes in order, each on disk with what undoes it before it is sent; the first refusal ends it."""
        entry_id = new_id()
        done: tuple[Done, ...] = ()
        told: list[str] = []
        for change in fix.changes:
            intended = done
            try:
                before = await self._send.read(change) if change.verb in _READ_FIRST else None
                intended = (*done, Done(change, _kept(change, before)))
                self._notebook.write(Entry(entry_id, time.time(), rule, "intended", intended))
                if self._record is not None and change.verb in ("apply", "create") and before is None:
                    self._record(self._intent(change))
                after = await self._send.send(change)
            except Refused as refused:
                # What may have happened all the same stays in the entry, so that it can be undone.
                kept = intended if refused.unclear else done
                unsure = self._noted(Entry(entry_id, time.time(), rule, "failed", kept))
                return Outcome(False, (*told, *unsure), str(refused), entry_id)
            except OSError as error:
                return Outcome(
                    False, tuple(told), f"{change.object} was not sent: the notebook cannot be written: {error}",
                    entry_id,
                )  # fmt: skip
            done = (*done, Done(change, _kept(change, before), _kept(change, after)))
            if self._record is not None and change.verb in ("apply", "create") and before is None and after:
                self._record(self._created(change, after))
            told.append(self._send.words(change))
        unsure = self._noted(Entry(entry_id, time.time(), rule, "applied", done))
        return Outcome(True, (*told, *unsure), entry=entry_id)

    def _noted(self, entry: Entry) -> tuple[str, ...]:
        """Write what has become of a fix; a sentence where that was not possible: the cluster has changed already."""
        try:
            self._notebook.write(entry)
        except OSError as error:
            return (f"the notebook cannot be written ({error}): undo knows only what was intended",)
        return ()

    async def undo(self, rule: str) -> Outcome:
        """Take the newest fix of a rule back, last change first. What others changed since is left alone."""
        entry = self._notebook.last_applied(rule)
        if entry is None:
            return Outcome(False, (), f"No fix of {rule} was applied from here.")
        told: list[str] = []
        for one in reversed(entry.done):
            try:
                told.append(await self._take_back(one))
            except Refused as refused:
                return Outcome(False, tuple(told), str(refused), entry.id)
        unsure = self._noted(Entry(entry.id, time.time(), rule, "undone", entry.done))
        return Outcome(True, (*told, *unsure), entry=entry.id)

    async def _take_back(self, done: Done) -> str:
        change = done.change
        if change.verb in ("retire", "roll"):
            if replicas := await self._send.restore(change):
                return f"{change.object}: {replicas} replicas are asked for again"
            return f"{change.object}: replicas that are ready stay until there is room for their successors"
        if change.verb in _ONE_WAY or (change.verb == "delete" and change.kind == "Pod"):
            return f"{change.object}: nothing to take back"
        if change.verb == "copy-key":
            back = Change("patch", change.kind, change.namespace, change.name, {"data": {change.body["to"]: None}})
            await self._send.send(back)
            return f"{change.object}: key {change.body['to']} removed"
        if change.verb == "delete":
            if done.before is None:
                return f"{change.object}: was not there"
            await self._send.send(Change("create", change.kind, change.namespace, change.name, done.before))
            return f"{change.object}: created again"
        now = await self._send.read(change)
        if now is None:
            return f"{change.object}: is gone"
        if done.before is None:
            mine, live = bare(done.after), bare(now)
            if any(live.get(key) != value for key, value in mine.items() if key not in ("apiVersion", "metadata")):
                return f"{change.object}: others have changed it since; left as it is"
            uid = str((now.get("metadata") or {}).get("uid") or "")
            await self._send.send(Change("delete", change.kind, change.namespace, change.name, uid=uid))
            return f"{change.object}: deleted"
        after = done.after if done.after is not None else merged(done.before, change.body)
        body = way_back(done.before, after, bare(now))
        if not body:
            return f"{change.object}: others have changed it since; left as it is"
        await self._send.send(Change("patch", change.kind, change.namespace, change.name, body))
        return f"{change.object}: as before"

    def _intent(self, change: Change) -> run_events.Event:
        return run_events.IntentRecorded(
            at=time.time(), step="doctor", action=change.verb, kind=change.kind, name=_full(change)
        )

    def _created(self, change: Change, made: Mapping[str, Any]) -> run_events.Event:
        uid = str((made.get("metadata") or {}).get("uid") or "")
        return run_events.ResourceCreated(at=time.time(), step="doctor", kind=change.kind, name=_full(change), uid=uid)


def _full(change: Change) -> str:
    return f"{change.namespace}/{change.name}" if change.namespace else change.name


def _kept(change: Change, obj: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What of an object may stand in the notebook: nothing of a Secret."""
    if obj is None:
        return None
    return {} if change.kind == "Secret" else bare(obj)
