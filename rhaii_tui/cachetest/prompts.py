"""Prompts that can prove something: a fresh nonce first, a long shared prefix, a short differing suffix.

The nonce stands in block 0, so every chained block hash of every family differs in the engines and in the picker,
and no earlier run can have warmed anything. Texts derive from run and family, so a run can be replayed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_WORDS = """
the of to and a in is it you that he was for on are with as his they be at one have this from or had by hot
but some what there we can out other were all your when up use word how said an each she which do their time
if will way about many then them would write like so these her long make thing see him two has look more day
could go come did my sound no most number who over know water than call first people may down side been now
find any new work part take get place
""".split()  # noqa: SIM905 - a list literal of 130 words is unreadable


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths of a test prompt in tokens, and the measured characters per token."""

    prefix_tokens: int
    suffix_tokens: int
    characters_per_token: float

    def expected_hit(self, block: int) -> int:
        """Tokens a follow-up should at least find cached: whole blocks of the shared prefix.

        4 % off the prefix's length: characters per token are measured on other text than the prompt's own.
        """
        return block * int(self.prefix_tokens * 0.96 // block)


def sizes_for(block: int, max_model_len: int, characters_per_token: float) -> Sizes:
    """Prefix of at least 8 blocks and 512 tokens, at most 0.8 of the model's length.

    `block` is the engines' cache block in tokens. A prefix shorter than one block could never hit.
    """
    suffix = 16
    longest = int(max_model_len * 0.8) - suffix
    return Sizes(min(max(1024, 8 * block) + block // 2, longest), suffix, characters_per_token)


def text(seed: str, characters: int) -> str:
    """Plain words, reproducible from `seed`, cut to `characters`."""
    rng = random.Random(seed)
    words: list[str] = []
    length = 0
    while length < characters:
        words.append(rng.choice(_WORDS))
        length += len(words[-1]) + 1
    return " ".join(words)[:characters]


def prompt(run: str, family: str, repeat: int, sizes: Sizes) -> str:
    """The prompt of one request: same run and family give the same prefix, each repeat another suffix."""
    nonce = f"{run}-{family} "
    prefix = nonce + text(f"{run}/{family}", round(sizes.prefix_tokens * sizes.characters_per_token) - len(nonce))
    return f"{prefix} {repeat} " + text(f"{run}/{family}/{repeat}", round(sizes.suffix_tokens * 4.0))
