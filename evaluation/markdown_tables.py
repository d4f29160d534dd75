"""Tables in Markdown, as all reports of measurements have them."""

from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table, without a line break at its end.

    Examples:
        >>> print(markdown_table(("name", "score"), [("a", "1")]))
        | name | score |
        | --- | --- |
        | a | 1 |
    """
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))
