"""A Rich console that cleans everything it prints. Only `terminal` imports it, because Rich takes a while to load."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from interleavethinker.tools.plain_text import clean

from .terminal import OutputClosedError

__all__ = ["CleanConsole"]


class CleanConsole(Console):
    """Cleans texts before they are laid out, and once more whatever the other renderables print."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `Console.render`; the console calls it for every part of a table, too."""
        if isinstance(renderable, Text) and (cleaned := clean(renderable.plain)) != renderable.plain:
            renderable = _with_text(renderable, cleaned)
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=clean(segment.text))

    def render_str(self, text: str, **options: Any) -> Text:
        """See `Console.render_str`; Rich itself drops some control characters, which would leave halves of others."""
        return super().render_str(clean(text), **options)

    def on_broken_pipe(self) -> None:
        """Ends the program quietly, as `echo` does."""
        raise OutputClosedError


def _with_text(old: Text, text: str) -> Text:
    """Returns the text in the old one's style and layout, without the styles of its parts, whose places have moved."""
    return Text(text, style=old.style, justify=old.justify, overflow=old.overflow, no_wrap=old.no_wrap, end=old.end)
