"""Fakes for the tests of programs that use this package: no model, no network, answers in milliseconds.

```python
import interleavethinker as it
from interleavethinker.testing import FixedPlanner, MemoryGenerator, RuleCritic, plan_of


async def test_my_program(tmp_path):
    generator = MemoryGenerator(it.ImageStore(tmp_path / "images"))
    fakes = it.Components(FixedPlanner(plan_of("a cat", "a dog")), RuleCritic(), generator)
    async with it.Workspace.open(tmp_path, components=fakes) as workspace:
        trajectory = await workspace.run(await workspace.create("any prompt"))
    assert trajectory.document.complete
```

`fake_image_server` is the real MCP image server with a backend that paints colored cells instead of running a model.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, accept_only, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator, fake_image

__all__ = ["FixedPlanner", "MemoryGenerator", "RuleCritic", "accept_only", "fake_image", "fake_image_server", "plan_of"]


@contextlib.contextmanager
def fake_image_server(store: Path) -> Iterator[str]:
    """Runs an MCP image server without a model on a free port of this machine, in a process of its own.

    Args:
        store: Folder for its images.

    Yields:
        The URL of its endpoint, for `GeneratorConfig(url=…)` or any MCP client.

    Raises:
        RuntimeError: The server exited before it was listening.
    """
    command = [sys.executable, "-P", "-m", "interleavethinker", "image-server", "--model", "fake"]
    process = subprocess.Popen(
        [*command, "--transport", "http", "--port", "0", "--store", str(store)],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _announced_url(process)
    finally:
        process.terminate()
        process.communicate()


def _announced_url(process: "subprocess.Popen[str]") -> str:
    lines = []
    for line in process.stderr or ():
        lines.append(line)
        if found := re.search(r"listening on (http://\S+)", line):
            return found.group(1)
    raise RuntimeError(f"The image server exited before it was listening. Its output: {''.join(lines)}")
