"""Waits for a GKE operation: quick looks at first, patience with the network, early word of a stockout."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable

from rhaii_tui.clock import Clock
from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.gke import Gke
from rhaii_tui.google.values import OperationInfo

FIRST_PAUSE = 3.0
LAST_PAUSE = 10.0
NETWORK_LOSS = 600.0
LOOK_AFTER = 120.0
LOOK_EVERY = 60.0
"""Cloud seconds. GKE retries a stockout silently for 35-40 min; the instance group knows within a minute or two."""
_LEAST_LOSS = 30.0
"""Wall seconds that a lost network gets at least: it does not know about compressed clouds."""


async def wait(
    gke: Gke,
    operation: OperationInfo,
    clock: Clock,
    *,
    progress: Callable[[OperationInfo], None] = lambda _: None,
    trouble: Callable[[CloudError], None] = lambda _: None,
    look: Callable[[], Awaitable[tuple[CloudError, ...]]] | None = None,
) -> OperationInfo:
    """The operation once DONE; raises its CloudError when it ended badly, or the last one when the network stays away.

    `progress` hears every look, `trouble` a network loss and each new error of the instance groups that `look` reads.
    Cancelling stops the watching only: Google has no way to cancel a creation.
    """
    pause = FIRST_PAUSE
    began = lost = looked = time.monotonic()
    told: set[str] = set()
    while not operation.done:
        await clock.sleep(pause * random.uniform(0.9, 1.1))
        pause = min(pause * 1.3, LAST_PAUSE)
        now = time.monotonic()
        try:
            operation = await gke.get_operation(operation.location, operation.name)
        except CloudError as error:
            if error.kind is not Kind.NETWORK or now - lost > max(clock.wall(NETWORK_LOSS), _LEAST_LOSS):
                raise
            trouble(error)
            continue
        lost = time.monotonic()
        progress(operation)
        due = clock.cloud(now - began) > LOOK_AFTER and clock.cloud(now - looked) > LOOK_EVERY
        if look is not None and due and not operation.done:
            looked = now
            for found in await _what_groups_say(look):
                if found.message not in told:
                    told.add(found.message)
                    trouble(found)
    if operation.error is not None:
        raise operation.error
    return operation


async def _what_groups_say(look: Callable[[], Awaitable[tuple[CloudError, ...]]]) -> tuple[CloudError, ...]:
    """A side look: when it cannot be had, the operation itself still tells the end."""
    try:
        return await look()
    except CloudError:
        return ()
