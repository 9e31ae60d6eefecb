"""The block cache against a naive model of it, and the hash chain's promise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rhaii_tui.practice.traffic.prefix_cache import BlockCache, chain, text_blocks, token_blocks

TOKENS = st.lists(st.sampled_from(["a", "b", " c"]), max_size=24)


@given(TOKENS, TOKENS, st.integers(1, 5))
def test_chains_agree_exactly_on_the_shared_blocks(one: list[str], two: list[str], size: int) -> None:
    left, right = chain(token_blocks(one, size), "m"), chain(token_blocks(two, size), "m")
    shared = 0
    for a, b in zip(token_blocks(one, size), token_blocks(two, size), strict=False):
        if a != b:
            break
        shared += 1
    assert left[:shared] == right[:shared]
    assert not set(left[shared:]) & set(right[shared:])
    assert not set(left) & set(chain(token_blocks(one, size), "other model"))


@given(st.lists(TOKENS, max_size=30), st.integers(1, 8), st.integers(1, 3))
def test_it_is_an_lru_of_chains(prompts: list[list[str]], capacity: int, size: int) -> None:
    cache, model = BlockCache(capacity), list[bytes]()
    for prompt in prompts:
        hashes = chain(token_blocks(prompt, size), "m")
        expected = 0
        while expected < len(hashes) and hashes[expected] in model:
            expected += 1
        assert cache.match(hashes) == expected
        cache.insert(hashes)
        kept = hashes[:capacity]
        model = ([block for block in model if block not in kept] + kept[::-1])[-capacity:]
        assert len(cache) == len(model) <= capacity
        assert cache.match(hashes) == len(kept)


@given(st.text(max_size=300), st.integers(1, 64), st.integers(1, 5))
def test_text_is_cut_into_full_blocks_up_to_the_limit(text: str, size: int, limit: int) -> None:
    blocks = text_blocks(text, size, limit)
    assert len(blocks) == min(len(text) // size, limit)
    assert "".join(blocks) == text[: len(blocks) * size]
    chain(blocks, "m")
