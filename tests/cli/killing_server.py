"""The counting image server, with the names of the images in its log. Usage: killing_server.py STORE LOG."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "servers" / "images"))

from counting_server import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    main(sys.argv[1:], names=True)
