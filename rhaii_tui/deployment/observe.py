"""Waiting by watching: a judge looks at a live collection after each change until it has an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

from rhaii_tui.catalog.findings import Finding
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.patience import NETWORK_LOSS, unreachable, wall_limit
from rhaii_tui.deployment.step import StepStopped
from rhaii_tui.kube.objects import uid

T = TypeVar("T")
Obj = dict[str, Any]


async def watch_until(
    run: RunContext,
    kind: str,
    namespace: str | None,
    judge: Callable[[list[Obj]], T | None],
    *,
    limit: float,
    late: Callable[[list[Obj]], Finding],
    labels: str = "",
    fields: str = "",
) -> T:
    """The judge's first answer that is not None. The judge may raise StepStopped to end the wait as a failure.

    `limit` is in cloud seconds and does not run while the API server is out of reach. Raises StepStopped with
    `late(objects)` when it is used up, or with `network.unreachable`.
    """
    from rhaii_tui.kube.kinds import KINDS
    from rhaii_tui.kube.reflector import Changed, Lost, Reflector, Restored, Synced

    link = f"watch {KINDS[kind].plural}"
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wall_limit(run.clock, limit)
    patience = wall_limit(run.clock, NETWORK_LOSS)
    lost_at, reason = None, ""
    objects: dict[str, Obj] = {}
    reflector = Reflector(
        run.kube, KINDS[kind].path(namespace), label_selector=labels, field_selector=fields, clock=run.clock
    )
    async with aclosing(cast(AsyncGenerator[Any, None], aiter(reflector))) as happenings:
        while True:
            left = (deadline if lost_at is None else lost_at + patience) - loop.time()
            try:
                happening = await asyncio.wait_for(anext(happenings), max(left, 0.0))
            except TimeoutError:
                finding = late(list(objects.values())) if lost_at is None else unreachable(link, reason)
                raise StepStopped(finding) from None
            match happening:
                case Lost():
                    lost_at, reason = lost_at or loop.time(), happening.reason
                    run.link_lost(link, reason)
                    continue
                case Restored():
                    run.link_restored(link)
                case Synced():
                    objects = {uid(o): o for o in happening.items}
                case Changed(type="DELETED"):
                    objects.pop(uid(happening.obj), None)
                case Changed():
                    objects[uid(happening.obj)] = happening.obj
            if lost_at is not None:
                deadline += loop.time() - lost_at
                lost_at = None
            verdict = judge(list(objects.values()))
            if verdict is not None:
                run.link_restored(link)
                return verdict


def condition(obj: Obj, type_: str) -> Obj:
    """A status condition by type; empty when it is not there. The order of the list means nothing."""
    for entry in (obj.get("status") or {}).get("conditions") or []:
        if entry.get("type") == type_:
            return dict(entry)
    return {}


def is_true(obj: Obj, type_: str) -> bool:
    """Whether a condition is True, and about the object's present generation."""
    found = condition(obj, type_)
    observed = found.get("observedGeneration", (obj.get("status") or {}).get("observedGeneration"))
    generation = obj["metadata"].get("generation")
    stale = observed is not None and generation is not None and observed < generation
    return found.get("status") == "True" and not stale


def words(obj: Obj, type_: str) -> str:
    """A condition as a short text: `Programmed=False AddressNotAssigned: ...`."""
    found = condition(obj, type_)
    if not found:
        return f"{type_} not reported yet"
    text = f"{type_}={found.get('status', 'Unknown')} {found.get('reason', '')}".rstrip()
    return f"{text}: {found['message']}" if found.get("message") else text
