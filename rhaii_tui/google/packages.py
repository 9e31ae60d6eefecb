"""Imports Google's packages late, one at a time, never on the event loop.

compute_v1 alone takes 1.7 s (measured, warm disk). Under one lock, because two threads that import packages with common
parts in a different order can see half-made modules.
"""

from __future__ import annotations

import importlib
import os
import threading
from typing import Any

_importing = threading.RLock()
_warming: list[threading.Thread] = []
_IN_ORDER = (
    "google.auth",
    "google.auth.transport.requests",
    "google.cloud.container_v1",
    "google.cloud.compute_v1",
)


def load(name: str) -> Any:
    """The module `name`. Blocking: call it in a thread."""
    with _importing:
        prepare()
        return importlib.import_module(name)


def prepare(*, loopback: bool = False) -> None:
    """Environment that must be set before any Google package is imported; harmless to repeat.

    grpc is loaded even where REST is spoken and would write to the terminal behind the screen; the search for a
    metadata server delays a logged-out user; and a proxy variable must not capture 127.0.0.1.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("NO_GCE_CHECK", "true")
    if loopback:
        for name in ("NO_PROXY", "no_proxy"):
            listed = [h for h in os.environ.get(name, "").split(",") if h.strip()]
            missing = [h for h in ("127.0.0.1", "localhost") if h not in listed]
            if missing:
                os.environ[name] = ",".join([*listed, *missing])


def warm_up() -> threading.Thread:
    """Begin to import everything in a daemon thread, once; the first screen does this while it is being read."""
    with _importing:
        if not _warming:
            _warming.append(threading.Thread(target=_import_all, name="google-imports", daemon=True))
            _warming[0].start()
        return _warming[0]


def _import_all() -> None:
    for name in _IN_ORDER:
        load(name)
