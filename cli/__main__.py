"""Runs the program as `python -m interleavethinker.cli`, for use where its script is not on the PATH."""

from . import main

if __name__ == "__main__":
    main()
