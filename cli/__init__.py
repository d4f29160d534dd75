"""The command-line program `interleavethinker`.

The package parses options, shows progress and turns errors into messages and exit codes. It deliberately contains no
logic of its own: commands call the library. Importing it loads no command and no model library.
"""

from .app import main

__all__ = ["main"]
