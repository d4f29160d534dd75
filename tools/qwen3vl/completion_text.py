"""Turns generated token numbers into a completion: its text, its tokens' texts, and where it ends."""

from collections.abc import Sequence
from typing import Any

from .batching import Completion, Token

__all__ = ["CompletionReader"]


class CompletionReader:
    """Reads the tokens that a model generated.

    Args:
        model: A loaded model, whose generation config names the end tokens.
        tokenizer: Its tokenizer.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        ends = model.generation_config.eos_token_id
        self._ends = set(ends) if isinstance(ends, list) else {ends}
        self._tokenizer = tokenizer
        self._token_texts: dict[int, str] = {}
        """Text of every token met so far: decoding each alternative again takes longer than running a small model."""

    def ends(self, ids: Sequence[int], stop: Sequence[str]) -> bool:
        """Returns whether the newest token ends the completion.

        Args:
            ids: The tokens generated so far, at least one.
            stop: Strings that end a completion.
        """
        if ids[-1] in self._ends:
            return True
        if not stop:
            return False
        # A token may be a part of a character; no stop string is longer than this tail.
        tail = self._tokenizer.decode(ids[-4 * max(map(len, stop)) - 4 :], skip_special_tokens=True)
        return any(each in tail for each in stop)

    def read(
        self,
        ids: Sequence[int],
        steps: Sequence[Sequence[tuple[int, float]]] | None,
        prompt_tokens: int,
        stop: Sequence[str],
    ) -> Completion:
        """Cuts a completion off at its end token and decodes its tokens.

        Args:
            ids: The generated tokens; those after the end are ignored.
            steps: For each generated token, the likeliest ones with their log-probabilities; None: not wanted.
            prompt_tokens: Length of the prompt.
            stop: Strings that end a completion, too.
        """
        length = next((place for place, token in enumerate(ids) if token in self._ends), len(ids))
        tokens = []
        for token, top in zip(ids[:length], steps or (), strict=False):
            alternatives = tuple((self._text_of(other), value) for other, value in top)
            # A sampled token outside the likeliest gets the lowest of their log-probabilities, which bounds its own.
            logprob = dict(top).get(token, top[-1][1])
            tokens.append(Token(self._text_of(token), logprob, alternatives))
        text = self._tokenizer.decode(ids[:length], skip_special_tokens=True)
        finished = length < len(ids) or any(each in text for each in stop)
        return Completion(text, tuple(tokens), prompt_tokens, finished, length)

    def _text_of(self, token: int) -> str:
        if token not in self._token_texts:
            self._token_texts[token] = self._tokenizer.decode([token])
        return self._token_texts[token]
