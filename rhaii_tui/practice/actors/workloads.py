"""Deployments and ReplicaSets: rolling updates, conditions and events in the real words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rhaii_tui.practice.actors.control import Controller
from rhaii_tui.practice.actors.injection import injected
from rhaii_tui.practice.actors.objects import (
    Key,
    Obj,
    annotations_of,
    conditions_in,
    controller_of,
    deleting,
    digest_name,
    is_true,
    key_of,
    labels_of,
    owned_by,
    owner_reference,
    set_condition,
)
from rhaii_tui.practice.actors.podtemplate import pod_from

if TYPE_CHECKING:
    from rhaii_tui.practice.kube.cluster import KubeCluster
    from rhaii_tui.practice.kube.journal import Change
    from rhaii_tui.practice.world import World

HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


class Deployments(Controller):
    """Keeps one ReplicaSet per template and moves replicas to the newest one."""

    kinds = ("Deployment", "ReplicaSet")

    def __init__(self, world: World, cluster: KubeCluster) -> None:
        super().__init__(world, cluster)
        # Per deployment uid: the counts last seen, and when they last moved forward, in cloud seconds.
        self._progress: dict[str, tuple[tuple[int, ...], float]] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "Deployment":
            return (key_of(change.obj),)
        owner = controller_of(change.obj)
        return (
            ((change.obj["metadata"]["namespace"], owner["name"]),) if owner and owner["kind"] == "Deployment" else ()
        )

    def reconcile(self, key: Key) -> float | None:
        deployment = self.store.get("Deployment", *key)
        if deployment is None or deleting(deployment):
            return None
        sets = owned_by(self.store.list("ReplicaSet", key[0]), deployment)
        template_hash = digest_name(deployment["spec"]["template"], 10)
        new = next((s for s in sets if labels_of(s).get(HASH) == template_hash), None)
        old = [s for s in sets if s is not new]
        if not deployment["spec"].get("paused"):
            if new is None:
                new = self._create_set(deployment, template_hash, old)
                self._progress[deployment["metadata"]["uid"]] = ((), self.world.clock.monotonic())
            elif _revision(new) <= max(map(_revision, old), default=0):
                new = self._renumber(deployment, new, old)
            self._roll(deployment, new, old)
        sets = owned_by(self.store.list("ReplicaSet", key[0]), deployment)
        new = next((s for s in sets if labels_of(s).get(HASH) == template_hash), None)
        return self._write_status(deployment, new, [s for s in sets if s is not new])

    def _create_set(self, deployment: Obj, template_hash: str, old: list[Obj]) -> Obj:
        spec, meta = deployment["spec"], deployment["metadata"]
        revision = _next_revision(old)
        template = spec["template"]
        labels = {**(template["metadata"].get("labels") or {}), HASH: template_hash}
        created = self.store.create(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{meta['name']}-{template_hash}",
                    "namespace": meta["namespace"],
                    "labels": labels,
                    "annotations": {
                        REVISION: revision,
                        "deployment.kubernetes.io/desired-replicas": str(_desired(deployment)),
                    },
                    "ownerReferences": [owner_reference(deployment)],
                },
                "spec": {
                    "replicas": 0,
                    "selector": {"matchLabels": {**(spec["selector"].get("matchLabels") or {}), HASH: template_hash}},
                    "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
                },
                "status": {"replicas": 0},
            }
        )
        self._number(deployment, revision)
        return created

    def _renumber(self, deployment: Obj, new: Obj, old: list[Obj]) -> Obj:
        """A template that comes back, as in a rollback, is the newest revision again, and its old number is gone."""
        revision = _next_revision(old)
        self._number(deployment, revision)
        return self._number(new, revision) or new

    def _number(self, obj: Obj, revision: str) -> Obj | None:
        def number(o: Obj) -> None:
            o["metadata"].setdefault("annotations", {})[REVISION] = revision

        return self.store.update(obj["kind"], *key_of(obj), number)

    def _roll(self, deployment: Obj, new: Obj, old: list[Obj]) -> None:
        desired, have = _desired(deployment), new["spec"]["replicas"]
        live = [s for s in old if s["spec"]["replicas"] > 0]
        strategy = deployment["spec"].get("strategy") or {}
        if strategy.get("type") == "Recreate":
            for one in live:
                self._scale(deployment, one, 0)
            if not any(s.get("status", {}).get("replicas") for s in old):
                self._scale(deployment, new, desired)
            return
        if not live:
            self._scale(deployment, new, desired)
            return
        surge, unavailable = bounds(strategy.get("rollingUpdate") or {}, desired)
        total = have + sum(s["spec"]["replicas"] for s in live)
        if have > desired:
            self._scale(deployment, new, desired)
        elif (room := desired + surge - total) > 0 and have < desired:
            have = min(desired, have + room)
            self._scale(deployment, new, have)
        self._shrink(deployment, new, live, desired - unavailable)

    def _shrink(self, deployment: Obj, new: Obj, live: list[Obj], least: int) -> None:
        """Take old replicas away: broken ones first, then healthy ones, never below `least` available."""
        new = self.store.get("ReplicaSet", *key_of(new)) or new
        healthy = _available(new) + sum(min(_available(s), s["spec"]["replicas"]) for s in live)
        for one in sorted(live, key=lambda s: str(s["metadata"]["creationTimestamp"])):
            count, good = one["spec"]["replicas"], min(_available(one), one["spec"]["replicas"])
            spare = max(0, healthy - least)
            taken = min(good, spare)
            healthy -= taken
            # A replica that is not available costs nothing to remove.
            self._scale(deployment, one, count - (count - good) - taken)

    def _scale(self, deployment: Obj, one: Obj, replicas: int) -> None:
        before = one["spec"]["replicas"]
        if before == replicas:
            return

        def change(s: Obj) -> None:
            s["spec"]["replicas"] = replicas

        self.store.update("ReplicaSet", *key_of(one), change)
        direction = "up" if replicas > before else "down"
        text = f"Scaled {direction} replica set {one['metadata']['name']} from {before} to {replicas}"
        self.store.event(deployment, "Normal", "ScalingReplicaSet", text, "deployment-controller")

    def _write_status(self, deployment: Obj, new: Obj | None, old: list[Obj]) -> float | None:
        sets = [*([new] if new else []), *old]
        desired = _desired(deployment)
        counts = {
            "replicas": sum(s.get("status", {}).get("replicas", 0) for s in sets),
            "updatedReplicas": new.get("status", {}).get("replicas", 0) if new else 0,
            "readyReplicas": sum(s.get("status", {}).get("readyReplicas", 0) for s in sets),
            "availableReplicas": sum(_available(s) for s in sets),
        }
        missing = max(0, max(counts["replicas"], desired) - counts["availableReplicas"])
        _, unavailable = bounds((deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}, desired)
        enough = counts["availableReplicas"] >= desired - unavailable
        done = (
            counts["updatedReplicas"] == counts["replicas"] == desired == counts["availableReplicas"]
            and new is not None
            and new["spec"]["replicas"] == desired
        )
        late, wait = self._deadline(deployment, tuple(counts.values()), done)
        failed = next(
            (c for s in sets for c in s.get("status", {}).get("conditions") or () if c["type"] == "ReplicaFailure"),
            None,
        )

        def change(d: Obj) -> None:
            conditions = conditions_in(d)
            if enough:
                text = "Deployment has minimum availability."
                set_condition(conditions, "Available", "True", "MinimumReplicasAvailable", text, updated=True)
            else:
                text = "Deployment does not have minimum availability."
                set_condition(conditions, "Available", "False", "MinimumReplicasUnavailable", text, updated=True)
            if new is not None:
                _judge_progress(conditions, new["metadata"]["name"], done=done, late=late)
            if failed:
                set_condition(conditions, "ReplicaFailure", "True", failed["reason"], failed["message"], updated=True)
            else:
                conditions[:] = [c for c in conditions if c["type"] != "ReplicaFailure"]
            numbers = {k: n for k, n in counts.items() if n} | ({"unavailableReplicas": missing} if missing else {})
            d["status"] = {
                "observedGeneration": deployment["metadata"]["generation"],
                **numbers,
                "conditions": conditions,
            }

        self.store.update("Deployment", *key_of(deployment), change, status=True)
        return wait

    def _deadline(self, deployment: Obj, counts: tuple[int, ...], done: bool) -> tuple[bool, float | None]:
        """Whether the progress deadline has passed, and the cloud seconds until it does."""
        uid, now = deployment["metadata"]["uid"], self.world.clock.monotonic()
        seen, since = self._progress.get(uid, ((), now))
        if counts != seen:
            since = now
        self._progress[uid] = counts, since
        if done:
            return False, None
        left = since + deployment["spec"].get("progressDeadlineSeconds", 600) - now
        return left <= 0, left if left > 0 else None


def _judge_progress(conditions: list[Obj], name: str, *, done: bool, late: bool) -> None:
    if done:
        text = f'ReplicaSet "{name}" has successfully progressed.'
        set_condition(conditions, "Progressing", "True", "NewReplicaSetAvailable", text, updated=True)
    elif late:
        text = f'ReplicaSet "{name}" has timed out progressing.'
        set_condition(conditions, "Progressing", "False", "ProgressDeadlineExceeded", text, updated=True)
    elif any(
        c["type"] == "Progressing" and c["reason"] == "NewReplicaSetAvailable" and f'"{name}"' in c["message"]
        for c in conditions
    ):
        # A finished rollout that lost a pod is not a new one.
        return
    else:
        text = f'ReplicaSet "{name}" is progressing.'
        set_condition(conditions, "Progressing", "True", "ReplicaSetUpdated", text, updated=True)


class ReplicaSets(Controller):
    """Keeps the wanted number of pods."""

    kinds = ("ReplicaSet", "Pod", "ServiceAccount")

    def keys(self, change: Change) -> Iterable[Key]:
        if change.kind == "ReplicaSet":
            return (key_of(change.obj),)
        namespace = change.obj["metadata"]["namespace"]
        if change.kind == "ServiceAccount":
            return [
                key_of(s) for s in self.store.list("ReplicaSet", namespace) if not s.get("status", {}).get("replicas")
            ]
        owner = controller_of(change.obj)
        return ((namespace, owner["name"]),) if owner and owner["kind"] == "ReplicaSet" else ()

    def reconcile(self, key: Key) -> float | None:
        wanted = self.store.get("ReplicaSet", *key)
        if wanted is None or deleting(wanted):
            return None
        pods = [p for p in owned_by(self.store.list("Pod", key[0]), wanted) if not deleting(p)]
        pods = [p for p in pods if p.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
        missing = wanted["spec"]["replicas"] - len(pods)
        refusal = self._refusal(wanted) if missing > 0 else ""
        if refusal:
            self.store.event(wanted, "Warning", "FailedCreate", f"Error creating: {refusal}", "replicaset-controller")
        for _ in range(missing if not refusal else 0):
            pod = self.store.create(injected(self.store, pod_from(wanted)))
            text = f"Created pod: {pod['metadata']['name']}"
            self.store.event(wanted, "Normal", "SuccessfulCreate", text, "replicaset-controller")
            pods.append(pod)
        for pod in sorted(pods, key=_dispensable)[: max(0, -missing)]:
            self.store.delete("Pod", *key_of(pod), grace=None)
            text = f"Deleted pod: {pod['metadata']['name']}"
            self.store.event(wanted, "Normal", "SuccessfulDelete", text, "replicaset-controller")
            pods.remove(pod)
        self._write_status(wanted, pods, refusal)
        return 15.0 if refusal else None

    def _refusal(self, wanted: Obj) -> str:
        namespace = wanted["metadata"]["namespace"]
        account = wanted["spec"]["template"]["spec"].get("serviceAccountName", "default")
        if self.store.get("ServiceAccount", namespace, account) is not None:
            return ""
        name = f"{wanted['metadata']['name']}-"
        return (
            f'pods "{name}" is forbidden: error looking up service account {namespace}/{account}: '
            f'serviceaccount "{account}" not found'
        )

    def _write_status(self, wanted: Obj, pods: list[Obj], refusal: str) -> None:
        ready = sum(is_true(p, "Ready") for p in pods)

        def change(s: Obj) -> None:
            numbers = {"replicas": len(pods), "fullyLabeledReplicas": len(pods)} if pods else {"replicas": 0}
            numbers |= {"readyReplicas": ready, "availableReplicas": ready} if ready else {}
            conditions: list[Obj] = s.get("status", {}).get("conditions", [])
            conditions = conditions if refusal else []
            if refusal:
                set_condition(conditions, "ReplicaFailure", "True", "FailedCreate", refusal)
            s["status"] = {**numbers, "observedGeneration": wanted["metadata"]["generation"]}
            s["status"] |= {"conditions": conditions} if conditions else {}

        self.store.update("ReplicaSet", *key_of(wanted), change, status=True)


def bounds(rolling: Obj, desired: int) -> tuple[int, int]:
    """maxSurge rounded up and maxUnavailable rounded down, 25 % each by default; both 0 means one unavailable."""

    def amount(value: object, up: bool) -> int:
        text = str(value)
        if not text.endswith("%"):
            return int(text)
        exact = int(text[:-1]) * desired / 100
        return math.ceil(exact) if up else math.floor(exact)

    surge = amount(rolling.get("maxSurge", "25%"), True)
    unavailable = amount(rolling.get("maxUnavailable", "25%"), False)
    return surge, unavailable if surge or unavailable else 1


def _revision(one: Obj) -> int:
    return int(annotations_of(one).get(REVISION, 0))


def _next_revision(old: list[Obj]) -> str:
    return str(1 + max(map(_revision, old), default=0))


def _desired(deployment: Obj) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _available(one: Obj) -> int:
    return int(one.get("status", {}).get("availableReplicas", 0))


def _dispensable(pod: Obj) -> tuple[bool, bool, float]:
    """Unbound before bound, unready before ready, younger before older."""
    return bool(pod["spec"].get("nodeName")), is_true(pod, "Ready"), -int(pod["metadata"]["resourceVersion"])
