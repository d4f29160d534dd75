"""The calls of hosted models that a trajectory has to pay for and that its state does not contain yet.

A draft outlives the node in which it was begun, and may never become an attempt. Its call is entered here when it ends,
or when it is cancelled: the provider works on it by then. The next node that ends takes the entries over; see
`spending.counted`.
"""

import contextlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from interleavethinker.tools.chat.usage import ChatCall, counting_calls
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest

__all__ = ["BoughtImage", "Ledger"]


@dataclass(frozen=True)
class BoughtImage:
    """What the price of an image depends on."""

    model: str
    size: str
    """Such as `1024x1024`."""
    inputs: int
    """How many images the call showed to the model."""


class _InFlight:
    """A call whose end is not known yet."""

    def __init__(self) -> None:
        self.entered = False


class Ledger:
    """The entries of one trajectory.

    Attributes:
        chat: Calls of chat models.
        images: Images, except those from a server's store.
    """

    def __init__(self) -> None:
        self.chat: list[ChatCall] = []
        self.images: list[BoughtImage] = []
        self._in_flight: dict[Hashable, _InFlight] = {}
        self._latest_image: BoughtImage | None = None
        self._latest_verdict: tuple[ChatCall, ...] = ()

    def __bool__(self) -> bool:
        """Returns whether there are entries."""
        return bool(self.chat or self.images)

    def clear(self) -> None:
        """Removes all entries: the state has them now."""
        self.chat.clear()
        self.images.clear()

    @contextlib.contextmanager
    def generating(self, call: GenerationRequest) -> Iterator[list[GeneratedImage]]:
        """Surrounds a generator call. Its image, put into the list, is entered at the end."""
        made: list[GeneratedImage] = []
        with self._flight(call) as flight:
            yield made
        for image in made:
            inputs = (call.source is not None) + min(len(call.references), image.references)
            self._latest_image = BoughtImage(image.model, f"{image.width}x{image.height}", inputs)
            if not image.cached and not flight.entered:
                self.images.append(self._latest_image)

    @contextlib.contextmanager
    def judging(self, cases: Sequence[CriticInput]) -> Iterator[None]:
        """Surrounds a critic's call. Its calls of chat models are entered at the end, also after an error."""
        with self._flight(tuple(cases)) as flight, counting_calls() as calls:
            try:
                yield
            finally:
                if not flight.entered:
                    self.chat += calls
        if len(cases) == 1:
            self._latest_verdict = tuple(calls)

    def cancel_image(self, call: GenerationRequest) -> None:
        """Enters an image whose call is cancelled, unless it is over: as one like the latest."""
        flight = self._in_flight.pop(call, None)
        if flight is None:
            return
        flight.entered = True
        if self._latest_image is not None:
            inputs = (call.source is not None) + len(call.references)
            self.images.append(replace(self._latest_image, inputs=inputs))

    def cancel_verdict(self, case: CriticInput) -> None:
        """Enters a verdict whose call is cancelled, unless it is over: as one like the latest, estimated."""
        flight = self._in_flight.pop((case,), None)
        if flight is None:
            return
        flight.entered = True
        self.chat += [replace(call, estimated=True) for call in self._latest_verdict]

    @contextlib.contextmanager
    def _flight(self, call: Hashable) -> Iterator[_InFlight]:
        self._in_flight[call] = flight = _InFlight()
        try:
            yield flight
        finally:
            if self._in_flight.get(call) is flight:
                del self._in_flight[call]
