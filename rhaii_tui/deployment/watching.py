"""Eyes on a service while it starts: pods, logs, conditions, events. All become events of the run, on change only."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rhaii_tui.deployment import events as e
from rhaii_tui.deployment.context import RunContext
from rhaii_tui.deployment.observe import is_true
from rhaii_tui.deployment.symptoms import Symptoms
from rhaii_tui.kube.objects import uid
from rhaii_tui.serving.milestones import DOWNLOADER, Milestone, Startup
from rhaii_tui.serving.stack import EA1, WORKLOAD_LABELS, role_of

if TYPE_CHECKING:
    from rhaii_tui.kube.pod_status import PodStatus

Obj = dict[str, Any]


class Watching:
    """`async with Watching(run, step) as eyes`: follows the service's objects until the block ends.

    `changed` is set at each change; `pods` holds the newest pods by uid with their status; `lost`: monotonic time since
    which the watch of pods is cut.
    """

    def __init__(self, run: RunContext, step: str) -> None:
        self._run = run
        self._step = step
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._links: set[str] = set()
        self._startups: dict[tuple[str, str], Startup] = {}
        self._told: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._settled: set[str] = set()
        """Pods that were ready when first seen here: when their stages were reached, nobody has watched."""
        self.symptoms = Symptoms(run, step)
        self.pods: dict[str, tuple[Obj, PodStatus]] = {}
        self.service: Obj = {}
        self.changed = asyncio.Event()
        self.lost: float | None = None
        self.lost_reason = ""

    async def __aenter__(self) -> Watching:
        target = self._run.target
        pods = f"app.kubernetes.io/name={target.service},{WORKLOAD_LABELS}"
        self._watch("Pod", target.namespace, self._pod, self._pod_gone, labels=pods)
        self._watch("Event", target.namespace, self._event)
        mine = f"metadata.name={target.service}"
        self._watch("LLMInferenceService", target.namespace, self._service, fields=mine)
        self._watch("HTTPRoute", target.namespace, lambda o: self._parents("HTTPRoute", o))
        if target.shape.routed:
            self._watch("InferencePool", target.namespace, lambda o: self._parents("InferencePool", o))
        gateway = f"metadata.name={EA1.gateway}"
        self._watch("Gateway", EA1.gateway_namespace, self._gateway, fields=gateway)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for link in self._links:  # nobody looks any more: nothing is out of date
            self._run.link_restored(link)

    def ready(self) -> int:
        """Replicas that are ready and not on their way out."""
        return sum(
            s.is_ready and "deletionTimestamp" not in p["metadata"]
            for p, s in self.pods.values()
            if _role(p) == "replica"
        )

    def workloads_ready(self) -> bool:
        """Whether the controller itself says so, about the present generation."""
        return bool(self.service) and is_true(self.service, "WorkloadsReady")

    def crashed(self) -> str | None:
        """The error of an observer that has ended: a defect, never weather."""
        for task in self._tasks.values():
            if task.done() and not task.cancelled() and task.exception() is not None:
                return repr(task.exception())
        return None

    def _watch(
        self,
        kind: str,
        namespace: str,
        put: Callable[[Obj], None],
        gone: Callable[[Obj], None] = lambda _: None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> None:
        task = self._observe(kind, namespace, put, gone, labels, fields)
        self._tasks[f"watch {kind}"] = asyncio.create_task(task, name=f"watch {kind}")

    async def _observe(
        self,
        kind: str,
        namespace: str,
        put: Callable[[Obj], None],
        gone: Callable[[Obj], None],
        labels: str,
        fields: str,
    ) -> None:
        from rhaii_tui.kube.kinds import KINDS
        from rhaii_tui.kube.reflector import Changed, Lost, Reflector, Restored, Synced

        link = f"watch {KINDS[kind].plural}"
        self._links.add(link)
        known: dict[str, Obj] = {}
        path = KINDS[kind].path(namespace)
        async for happening in Reflector(
            self._run.kube, path, label_selector=labels, field_selector=fields, clock=self._run.clock
        ):
            match happening:
                case Lost():
                    self._run.link_lost(link, happening.reason)
                    if kind == "Pod":
                        self.lost, self.lost_reason = self.lost or time.monotonic(), happening.reason
                case Restored():
                    self._run.link_restored(link)
                case Synced():
                    fresh = {uid(o): o for o in happening.items}
                    for old in [o for key, o in known.items() if key not in fresh]:
                        gone(old)
                    known = fresh
                    if kind == "Pod":
                        self._forget(set(fresh))
                    for obj in fresh.values():
                        put(obj)
                case Changed(type="DELETED"):
                    known.pop(uid(happening.obj), None)
                    gone(happening.obj)
                case Changed():
                    known[uid(happening.obj)] = happening.obj
                    put(happening.obj)
            if kind == "Pod" and not isinstance(happening, Lost):
                self.lost = None
            self.changed.set()

    def _forget(self, there: set[str]) -> None:
        """Pods of the run's earlier watches that went while nobody looked."""
        for old in self._run.state.replicas:
            if old.role != "gateway" and old.uid not in there:
                self._run.record(e.ReplicaGone(at=time.time(), pod=old.pod, uid=old.uid))

    def _news(self, key: tuple[str, ...], value: tuple[str, ...]) -> bool:
        if self._told.get(key) == value:
            return False
        self._told[key] = value
        return True

    def _pod(self, pod: Obj) -> None:
        from rhaii_tui.kube import pod_status, timestamps

        status = pod_status.status(pod)
        meta, name, id = pod["metadata"], str(pod["metadata"]["name"]), uid(pod)
        before = self.pods.get(id)
        self.pods[id] = (pod, status)
        if before is None and status.is_ready:
            self._settled.add(name)
        role = _role(pod)
        word = "Terminating" if "deletionTimestamp" in meta else status.word
        node = str((pod.get("spec") or {}).get("nodeName") or "")
        seen = (word, status.ready, str(status.restarts), str(status.is_ready), node, status.message)
        if self._news(("pod", id), seen):
            self._run.record(
                e.ReplicaObserved(
                    at=time.time(),
                    pod=name,
                    uid=id,
                    status=word,
                    ready=status.ready,
                    restarts=status.restarts,
                    is_ready=status.is_ready,
                    node=node,
                    created_at=timestamps.unix(meta.get("creationTimestamp")) or 0.0,
                    role="scheduler" if role == "scheduler" else "replica",
                    message=status.message[:500],
                )
            )
        if before is not None and status.restarts > before[1].restarts:
            self._settled.discard(name)
            for key in [k for k in self._startups if k[0] == name]:
                self._startups[key] = Startup(key[1])
        if role == "replica":
            self._stages(name, pod, status.is_ready)
            self.symptoms.state(pod, status.is_ready)
        self._follow_logs(pod)

    def _pod_gone(self, pod: Obj) -> None:
        id, name = uid(pod), str(pod["metadata"]["name"])
        self.pods.pop(id, None)
        self._told.pop(("pod", id), None)
        self.symptoms.gone(name)
        self._run.record(e.ReplicaGone(at=time.time(), pod=name, uid=id))

    def _stages(self, name: str, pod: Obj, is_ready: bool) -> None:
        status = pod.get("status") or {}
        true = {c.get("type") for c in status.get("conditions") or [] if c.get("status") == "True"}
        main: Obj = next((s for s in status.get("containerStatuses") or [] if s.get("name") == "main"), {})
        steps = (
            ("scheduled", "PodScheduled" in true, f"on {(pod.get('spec') or {}).get('nodeName', '')}"),
            ("pulling", "Initialized" in true and bool(status.get("initContainerStatuses")), "pulling the engine"),
            ("starting", bool((main.get("state") or {}).get("running")), "engine container runs"),
            ("ready", is_ready, "ready"),
        )
        for stage, reached, text in steps:
            if reached and self._news(("stage", name, stage, str(main.get("restartCount", 0))), ("reached",)):
                self._milestone(name, Milestone(stage, text, "pod status"))

    def _milestone(self, pod: str, milestone: Milestone) -> None:
        if pod in self._settled:
            return
        self._run.record(
            e.MilestoneReached(
                at=time.time(), pod=pod, stage=milestone.stage, text=milestone.text, source=milestone.source
            )
        )

    def _follow_logs(self, pod: Obj) -> None:
        """A follower for each container that has run; before that there is nothing to read."""
        status, name = pod.get("status") or {}, str(pod["metadata"]["name"])
        for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
            state = one.get("state") or {}
            has_run = "running" in state or "terminated" in state or int(one.get("restartCount") or 0) > 0
            key = f"log {uid(pod)} {one['name']}"
            if has_run and key not in self._tasks:
                work = self._follow(name, str(one["name"]), is_replica=_role(pod) == "replica")
                self._tasks[key] = asyncio.create_task(work, name=key)

    async def _follow(self, pod: str, container: str, *, is_replica: bool) -> None:
        from rhaii_tui.kube import logs
        from rhaii_tui.kube.errors import ApiError

        stream = f"{pod}/{container}"
        place = "download" if container == DOWNLOADER else "engine"
        with contextlib.suppress(ApiError):  # the pod is gone, or its log is not for us: the pod's status tells more
            async for batch in logs.follow(self._run.kube, self._run.target.namespace, pod, container):
                self._run.logbook.extend(stream, batch)
                if not is_replica:
                    continue
                startup = self._startups.setdefault((pod, container), Startup(container))
                for line in batch:
                    for sign in startup.feed(line):
                        self._sign(pod, sign)
                    self.symptoms.text(pod, line, place, f"log {stream}")
                self.changed.set()

    def _sign(self, pod: str, sign: object) -> None:
        from rhaii_tui.serving.milestones import Progress

        if isinstance(sign, Milestone):
            self._milestone(pod, sign)
        elif isinstance(sign, Progress) and pod not in self._settled:
            self._run.record(
                e.CompileProgressed(at=time.time(), pod=pod, what=sign.what, done=sign.done, total=sign.total)
            )

    def _event(self, obj: Obj) -> None:
        from rhaii_tui.kube import events

        event = events.read(obj)
        about = event.object.partition("/")[2]
        if not about.startswith(self._run.target.service):
            return
        if not self._news(("event", event.uid), (event.message, str(event.count))):
            return
        self._run.record(
            e.ClusterEventSeen(
                at=event.at or time.time(),
                uid=event.uid,
                level=event.level,
                reason=event.reason,
                object=event.object,
                message=event.message[:500],
                count=event.count,
            )
        )
        names = {str(p["metadata"]["name"]) for p, _ in self.pods.values() if _role(p) == "replica"}
        if event.level == "Warning" and about in names:
            self.symptoms.text(about, event.message, "event", f"event {event.reason}")

    def _service(self, obj: Obj) -> None:
        self.service = obj
        for condition in (obj.get("status") or {}).get("conditions") or []:
            self._condition("LLMInferenceService", obj, condition)

    def _gateway(self, obj: Obj) -> None:
        for condition in (obj.get("status") or {}).get("conditions") or []:
            if condition.get("type") in ("Accepted", "Programmed"):
                self._condition("Gateway", obj, condition)

    def _parents(self, kind: str, obj: Obj) -> None:
        if not str(obj["metadata"]["name"]).startswith(self._run.target.service):
            return
        for parent in (obj.get("status") or {}).get("parents") or []:
            for condition in parent.get("conditions") or []:
                if condition.get("type") in ("Accepted", "ResolvedRefs"):
                    self._condition(kind, obj, condition)

    def _condition(self, kind: str, obj: Obj, condition: Obj) -> None:
        from rhaii_tui.kube import timestamps

        name, type_ = str(obj["metadata"]["name"]), str(condition.get("type"))
        status = str(condition.get("status") or "Unknown")
        seen = (status, str(condition.get("reason") or ""), str(condition.get("message") or ""))
        if self._news(("condition", kind, name, type_), seen):
            self._run.record(
                e.ConditionObserved.model_validate(
                    {
                        "at": time.time(),
                        "kind": kind,
                        "name": name,
                        "condition": type_,
                        "status": status if status in ("True", "False") else "Unknown",
                        "reason": seen[1],
                        "message": seen[2][:500],
                        "since": timestamps.unix(condition.get("lastTransitionTime")) or 0.0,
                    }
                )
            )


def _role(pod: Obj) -> str:
    return role_of(pod["metadata"].get("labels") or {})
