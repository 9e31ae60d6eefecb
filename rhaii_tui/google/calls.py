"""Runs Google's blocking clients in threads of our own.

Daemon threads, not the default executor: that one keeps the interpreter from ending until the slowest request has
timed out (4.0 s against 0.2 s, Google notes 0.3). A cancelled call is abandoned: its thread ends by its own time-out
and its result is dropped.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from rhaii_tui.google.errors import CloudError, Kind
from rhaii_tui.google.packages import load, prepare
from rhaii_tui.google.translate import translate

T = TypeVar("T")

READ_TIMEOUT = 10.0
READ_RETRY_FOR = 20.0
CHANGE_TIMEOUT = 45.0
UNREACHABLE_AFTER = 5.0
"""Wall seconds: one attempt of a read, all attempts of a read, the only attempt of a change, all without an answer."""
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
    """A client's read: 10 s an attempt, repeated for up to 20 s over what passes by itself."""
    return await call(
        _with_retry, method, *args, deadline=READ_RETRY_FOR + 2 * READ_TIMEOUT, **{"timeout": READ_TIMEOUT, **kwargs}
    )


async def change(method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """A client's change: one attempt of 45 s, never repeated blindly. An `ambiguous` error asks for a look first."""
    return await call(method, *args, deadline=CHANGE_TIMEOUT + 15, **{"timeout": CHANGE_TIMEOUT, **kwargs}, retry=None)


def passing(error: BaseException) -> bool:
    """True for errors of a read that are worth another attempt."""
    found = translate(error)
    return found.kind is Kind.NETWORK and found.code in (None, 429, 502, 503, 504)


def _with_retry(method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """A cloud that cannot be reached at all is given up sooner: nobody should wait 20 s to be told to plug in."""
    retry_module = load("google.api_core.retry")
    began = time.monotonic()

    def again(error: BaseException) -> bool:
        found = translate(error)
        return passing(found) and (found.code is not None or time.monotonic() - began < UNREACHABLE_AFTER)

    retry = retry_module.Retry(predicate=again, initial=0.5, maximum=8.0, timeout=READ_RETRY_FOR)
    return method(*args, retry=retry, **kwargs)


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
