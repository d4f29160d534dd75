"""Guesses the next tokens of an answer from what was read and written before.

Answers of an agent have much in common: the keys of their JSON, phrases, and words that they copy from the prompt. A
model checks several guessed tokens in one step, and takes those that it would have generated itself (prompt lookup and
n-gram decoding are usual names). A wrong guess costs time, never another answer. Knows neither models nor texts.
"""

from collections.abc import Sequence

__all__ = ["TokenMemory"]

_CONTEXTS = (8, 4, 2)
"""How many tokens before a token say which one it may be, the most telling first."""
_MOST_CONTEXTS = 2**16
"""So many contexts are kept at least, and at most twice as many: about 20 MB."""


class TokenMemory:
    """Remembers which token followed which, for the tokens seen lately. Not thread-safe."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        """The token that followed last, by a hash of the tokens before it; two that share one spoil a guess at most."""
        self._earlier: dict[int, int] = {}

    def learn(self, tokens: Sequence[int], start: int = 1) -> None:
        """Remembers what follows what.

        Args:
            tokens: A text.
            start: The first of the tokens that are new; the ones before it are their context.
        """
        for at in range(max(1, start), len(tokens)):
            for length in _CONTEXTS:
                if length <= at:
                    self._recent[hash(tuple(tokens[at - length : at]))] = tokens[at]
        if len(self._recent) > _MOST_CONTEXTS:
            self._recent, self._earlier = {}, self._recent

    def guess(self, tokens: Sequence[int], most: int) -> list[int]:
        """Returns up to `most` tokens that may follow; none if nothing like it was seen."""
        seen = list(tokens[-_CONTEXTS[0] :])
        known = len(seen)
        while len(seen) < known + most:
            token = self._after(seen)
            if token is None:
                break
            seen.append(token)
        return seen[known:]

    def _after(self, tokens: list[int]) -> int | None:
        for length in _CONTEXTS:
            if length <= len(tokens):
                context = hash(tuple(tokens[-length:]))
                token = self._recent.get(context, self._earlier.get(context))
                if token is not None:
                    return token
        return None
