"""A stdio image server of colored cells that takes `STEP_SECONDS` for each of the four steps of an image.

Usage: slow_server.py STORE
"""

import asyncio
import os
import sys
from pathlib import Path

from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.main import serve_images

if __name__ == "__main__":
    backend = FakeBackend(step_seconds=float(os.environ.get("STEP_SECONDS", "0")))
    asyncio.run(serve_images(backend, Path(sys.argv[1])))
