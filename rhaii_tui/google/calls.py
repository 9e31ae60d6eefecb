"""Runs Google's blocking clients in threads of our own.

Daemon threads, not the default executor: that one keeps the interpreter from ending until the slowest request has
timed out (measured: 4.0 s against 0.2 s). A cancelled call is abandoned: its thread ends by its own time-out
and its result is dropped.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.packages import prepare
from rhaii_tui.google.translate import translate

T = TypeVar("T")

READ_TIMEOUT = 10.0
READ_RETRY_FOR = 20.0
CHANGE_TIMEOUT = 45.0
UNREACHABLE_AFTER = 5.0
"""Wall seconds: one attempt of a read, all attempts of a read, the only attempt of a change, all without an answer."""
FIRST_PAUSE = 0.5
LAST_PAUSE = 8.0
"""Wall seconds between two attempts."""
_AT_ONCE = 8
_gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


async def call(function: Callable[..., T], *args: Any, deadline: float | None = None, **kwargs: Any) -> T:
    """Run a blocking function in a daemon thread, at most 8 at once. Raises CloudError and nothing else.

    `deadline` is a limit over everything in wall seconds, for servers that drip an answer for ever.
    """
    loop = asyncio.get_running_loop()
    gate = _gates.setdefault(loop, asyncio.Semaphore(_AT_ONCE))
    async with gate:
        answer: asyncio.Future[T] = loop.create_future()
        threading.Thread(
            target=_run, args=(loop, answer, function, args, kwargs), name="google-call", daemon=True
        ).start()
        try:
            return await asyncio.wait_for(answer, deadline)
        except TimeoutError:
            raise CloudError(Kind.NETWORK, f"No complete answer within {deadline:.0f} s.", ambiguous=True) from None


async def read(method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """A client's read: 10 s an attempt, repeated for up to 20 s over what passes by itself.

    The pauses are spent here, not in a thread: a call that waits for better weather holds up no other. A cloud that
    cannot be reached at all is given up sooner: nobody should wait 20 s to be told to plug in.
    """
    began = time.monotonic()
    pause = FIRST_PAUSE
    while True:
        try:
            return await call(
                method, *args, deadline=2 * READ_TIMEOUT, **{"timeout": READ_TIMEOUT, **kwargs}, retry=None
            )
        except CloudError as error:
            limit = UNREACHABLE_AFTER if error.code is None else READ_RETRY_FOR
            if not passing(error) or time.monotonic() - began + pause > limit:
                raise
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))
        pause = min(pause * 2, LAST_PAUSE)


async def change(method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """A client's change: one attempt of 45 s, never repeated blindly. An `ambiguous` error asks for a look first."""
    return await call(method, *args, deadline=CHANGE_TIMEOUT + 15, **{"timeout": CHANGE_TIMEOUT, **kwargs}, retry=None)


def passing(error: CloudError) -> bool:
    """True for errors of a read that are worth another attempt."""
    return error.kind is Kind.NETWORK and error.code in (None, 429, 502, 503, 504)


def _run(
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[T],
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    prepare()
    try:
        result = function(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - whatever a library throws must reach the one who waits
        _hand_over(loop, answer, None, translate(error))
    else:
        _hand_over(loop, answer, result, None)


def _hand_over(
    loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T], result: T | None, error: CloudError | None
) -> None:
    def settle() -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        # The loop is closed: the program is ending and nobody waits any more.
        return
