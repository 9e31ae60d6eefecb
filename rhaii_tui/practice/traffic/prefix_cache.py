"""Prefix caching by blocks: hashes chained from the start of a prompt, kept least recently used first out.

vLLM's automatic prefix cache and the endpoint picker's index have the same form; they differ in what a block is
(16 or 128 tokens against 64 characters) and in capacity.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from hashlib import blake2b


def chain(blocks: Iterable[str], seed: str) -> list[bytes]:
    """One hash per block, each covering every block before it; `seed` is the model, and the salt if any."""
    previous = blake2b(seed.encode(), digest_size=16).digest()
    hashes = []
    for block in blocks:
        previous = blake2b(previous + block.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        hashes.append(previous)
    return hashes


def token_blocks(tokens: Sequence[str], size: int) -> list[str]:
    """Full blocks of `size` tokens; the tail is never cached."""
    return ["\x1f".join(tokens[at : at + size]) for at in range(0, len(tokens) - size + 1, size)]


def text_blocks(text: str, size: int, limit: int) -> list[str]:
    """Full blocks of `size` characters, at most `limit` of them; the tail is ignored."""
    return [text[at : at + size] for at in range(0, min(len(text) - size + 1, size * limit), size)]


class BlockCache:
    """An LRU set of block hashes with room for `capacity` blocks."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._blocks: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._blocks)

    def match(self, hashes: Sequence[bytes]) -> int:
        """How many leading blocks are held. Looking does not make them recent."""
        count = 0
        for block in hashes:
            if block not in self._blocks:
                break
            count += 1
        return count

    def insert(self, hashes: Sequence[bytes]) -> None:
        """Hold these blocks as the most recent; the start of the chain is evicted last, as vLLM frees tails first."""
        for block in reversed(hashes[: self.capacity]):
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > self.capacity:
            self._blocks.popitem(last=False)
