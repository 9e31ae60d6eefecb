"""Garbage collection that does not stand between a key and its answer."""

from __future__ import annotations

import gc


def settle() -> None:
    """Take everything that exists out of later collections: modules, styles, the cluster's first listing.

    A full collection with a few hundred pods in memory takes 60-100 ms, and a busy watch causes one every two or three
    seconds (measured with gc.callbacks, 200 pods, 50 updates a second); afterwards it walks only what is newer. What
    is let go is still freed by its reference count. Call it when much has just been read and nobody is typing yet.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
