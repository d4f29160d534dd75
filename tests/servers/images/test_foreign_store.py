"""A store that belongs to another user: the refusal comes before a model is called, which may cost money."""

import ctypes
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from interleavethinker.tools.images.store import ImageStore, sha256_of

CALL = """
import asyncio, sys
from pathlib import Path
from interleavethinker.servers.images.backends.fake import FakeBackend
from interleavethinker.servers.images.cache import GenerationStore
from interleavethinker.servers.images.service import ImageService, ServiceLimits
from interleavethinker.tools.errors import StoreError

class Paid(FakeBackend):
    calls = 0

    async def run(self, jobs, observer):
        self.calls += len(jobs)
        return await super().run(jobs, observer)

async def main():
    backend = Paid()
    async with ImageService(backend, GenerationStore(Path(sys.argv[1])), ServiceLimits()) as service:
        try:
            await service.generate("a ball", seed=1)
        except StoreError as error:
            print(error)
        print("calls:", backend.calls)

asyncio.run(main())
"""


def without_privileges() -> None:
    """Makes root subject to permissions, as everybody else is: drops CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    if os.geteuid() == 0:
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def call(store: Path) -> list[str]:
    """Returns what a server of a user without rights of its own says to a call, and how often its model was called."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", CALL, str(store)],
        capture_output=True, text=True, timeout=180, check=True, preexec_fn=without_privileges,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="drops a Linux capability")
@pytest.mark.parametrize("closed", [".", "calls", "one image's folder"])
def test_a_store_that_another_user_keeps_to_itself_costs_no_call(tmp_path: Path, closed: str) -> None:
    store = tmp_path / "store"
    ImageStore(store).put(b"of the first user")
    (store / "calls").mkdir()
    folder = store / (closed if closed in {".", "calls"} else sha256_of(b"of the first user")[:2])
    mode = stat.S_IMODE(folder.stat().st_mode)
    folder.chmod(0o555)
    try:
        refused, calls = call(store)
    finally:
        folder.chmod(mode)
    assert f"{folder} cannot be written" in refused
    assert "No image was generated" in refused
    assert "INTERLEAVETHINKER_IMAGE_STORE" in refused
    assert calls == "calls: 0"
    assert call(store) == ["calls: 1"]
