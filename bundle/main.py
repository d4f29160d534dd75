"""Starts the trajectory server with the settings that a person made in the chat client's dialog.

The client calls it as `main.py --profile NAME --folders DIR…`; what was left empty may be missing or empty.
"""

import os
import sys
from collections.abc import Sequence

__all__ = ["server_words"]


def server_words(arguments: Sequence[str], require_person: str = "") -> list[str]:
    """Returns the server's command line.

    Examples:
        >>> server_words(["--profile", "api", "--folders", "/a", "/b"], "true")
        ['trajectory-server', '--profile', 'api', '--images', '/a', '--images', '/b', '--require-person']
        >>> server_words(["--profile", "", "--folders", "${user_config.images}"])
        ['trajectory-server', '--profile', 'micro']
    """
    middle = list(arguments).index("--folders") if "--folders" in arguments else len(arguments)
    given = [word for word in arguments[:middle] if word != "--profile" and _is_set(word)]
    folders = [word for word in arguments[middle + 1 :] if _is_set(word)]
    words = ["trajectory-server", "--profile", *(given[:1] or ["micro"])]
    words += [word for folder in folders for word in ("--images", folder)]
    return [*words, "--require-person"] if require_person.lower() == "true" else words


def _is_set(word: str) -> bool:
    return bool(word) and not word.startswith("${")


def main() -> None:
    """Serves until the client closes its end."""
    if not _is_set(os.environ.get("OPENAI_API_KEY", "")):
        os.environ.pop("OPENAI_API_KEY", None)
    from interleavethinker.cli import main as command_line

    sys.argv = ["interleavethinker", *server_words(sys.argv[1:], os.environ.get("REQUIRE_PERSON", ""))]
    command_line()


if __name__ == "__main__":
    main()
