"""Guesses follow what was seen last, stop at the unknown, and the memory stays small."""

import pytest

from interleavethinker.tools.qwen3vl import token_memory
from interleavethinker.tools.qwen3vl.token_memory import TokenMemory


def test_a_text_is_guessed_from_two_of_its_tokens_to_its_end() -> None:
    memory = TokenMemory()
    memory.learn([1, 2, 3, 4, 5, 6])
    assert memory.guess([9, 2, 3], 10) == [4, 5, 6]
    assert memory.guess([9, 2, 3], 2) == [4, 5]
    assert memory.guess([9, 2, 3], 0) == []
    assert memory.guess([3, 2], 10) == []
    assert TokenMemory().guess([1, 2, 3], 5) == []


def test_the_longest_context_decides_and_then_the_latest_text() -> None:
    memory = TokenMemory()
    memory.learn([1, 2, 3, 4, 5])
    memory.learn([8, 2, 3, 4, 6])
    assert memory.guess([1, 2, 3, 4], 1) == [5]
    assert memory.guess([7, 7, 3, 4], 1) == [6]


def test_new_tokens_are_learned_with_the_ones_before_them_as_context() -> None:
    memory = TokenMemory()
    text = [1, 2, 3]
    memory.learn(text)
    text.append(4)
    memory.learn(text, 3)
    assert memory.guess([2, 3], 1) == [4]


def test_the_oldest_contexts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_memory, "_MOST_CONTEXTS", 30)
    memory = TokenMemory()
    memory.learn([1, 2, 3])
    assert memory.guess([1, 2], 1) == [3]
    for start in range(100, 400, 10):
        memory.learn(range(start, start + 10))
        assert len(memory._recent) + len(memory._earlier) < 100
    assert memory.guess([1, 2], 1) == []
    assert memory.guess([390, 391], 1) == [392]
