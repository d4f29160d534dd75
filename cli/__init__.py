"""The command-line program `interleavethinker`. Importing this package loads no command and no model library."""

from .app import main

__all__ = ["main"]
