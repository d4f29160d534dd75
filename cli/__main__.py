"""`python -m interleavethinker.cli`: the same program where its script is not on the PATH."""

from . import main

if __name__ == "__main__":
    main()
