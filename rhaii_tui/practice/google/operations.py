"""GKE operations: they take cloud time, hold their cluster's lock, and are DONE either way."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from rhaii_tui.practice.clock import CloudClock
from rhaii_tui.practice.google.errors import GoogleError
from rhaii_tui.practice.world import PROJECT_NUMBER

CONTAINER = "https://container.googleapis.com/v1"
_KEPT = 500
_log = logging.getLogger(__name__)


class OperationFailed(Exception):
    """The work of an operation ended badly: a `google.rpc` code, a message, and a StatusCondition code."""

    def __init__(self, code: int, message: str, condition: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.condition = condition


class Operation:
    """One operation, as `Operation` JSON in `record`."""

    def __init__(self, type_: str, location: str, target: str) -> None:
        self.name = f"operation-{int(time.time() * 1000)}-{uuid.uuid4()}"
        self.location = location
        self.done = asyncio.Event()
        scope = f"{CONTAINER}/projects/{PROJECT_NUMBER}/zones/{location}"
        self.record: dict[str, Any] = {
            "name": self.name,
            "zone": location,
            "location": location,
            "operationType": type_,
            "status": "PENDING",
            "selfLink": f"{scope}/operations/{self.name}",
            "targetLink": f"{scope}/{target}",
            "startTime": CloudClock.stamp_micro(),
        }

    @property
    def type(self) -> str:
        """`CREATE_CLUSTER` and so on."""
        return str(self.record["operationType"])

    def progress(self, **metrics: tuple[int, int]) -> None:
        """Report flat metrics: each `X` is paired with `X_TOTAL`."""
        flat = []
        for name, (value, total) in metrics.items():
            flat += [{"name": name, "intValue": str(value)}, {"name": f"{name}_TOTAL", "intValue": str(total)}]
        self.record["progress"] = {"metrics": flat}

    async def follow(self, work: Coroutine[Any, Any, None]) -> None:
        """Live through the work; whatever happens, end DONE."""
        self.record["status"] = "RUNNING"
        try:
            await work
        except OperationFailed as failure:
            self.record["error"] = {"code": failure.code, "message": failure.message}
            self.record["statusMessage"] = failure.message
            if failure.condition:
                condition = {"code": failure.condition, "canonicalCode": "RESOURCE_EXHAUSTED"}
                kind = "nodepoolConditions" if "nodePools" in self.record["targetLink"] else "clusterConditions"
                self.record[kind] = [{**condition, "message": failure.message}]
        except Exception:  # noqa: BLE001 - a defect is Google's internal error to the client, a trace in our log
            _log.exception("%s %s", self.type, self.name)
            self.record["error"] = {"code": 13, "message": "Internal error."}
        finally:
            self.record["status"] = "DONE"
            self.record["endTime"] = CloudClock.stamp_micro()
            self.done.set()


class Operations:
    """The project's operations, the newest `_KEPT` of them."""

    def __init__(self) -> None:
        self._all: OrderedDict[str, Operation] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, operation: Operation, work: Coroutine[Any, Any, None]) -> None:
        """Start an operation's work."""
        self._all[operation.name] = operation
        while len(self._all) > _KEPT:
            self._all.popitem(last=False)
        task = asyncio.create_task(operation.follow(work), name=operation.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def get(self, name: str, location: str, parent: str) -> Operation:
        """Raises GoogleError 404."""
        found = self._all.get(name)
        if found is None or location not in ("-", found.location):
            raise GoogleError(404, f"Not found: {parent}/operations/{name}.")
        return found

    def list(self, location: str) -> list[Operation]:
        """The operations of one location, or of all (`-`)."""
        return [o for o in self._all.values() if location in ("-", o.location)]

    async def stop(self) -> None:
        """Abandon what is still running."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
