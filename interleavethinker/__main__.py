"""`python -m interleavethinker`: the command-line program, where its script is not on the PATH."""

from interleavethinker.cli import main

if __name__ == "__main__":
    main()
