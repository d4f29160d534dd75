"""A call that kills the image server uses up its own budget, and not that of the calls beside it."""

import asyncio
import sys
from pathlib import Path

from interleavethinker.tools.errors import GeneratorError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.types import GenerationRequest

_SERVER = """
import base64, io, json, os, sys, threading, time
from PIL import Image

def say(message): print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

def draw(number, prompt):
    if prompt == "deadly":
        time.sleep(0.1)
        os._exit(1)
    time.sleep(0.6)
    png = io.BytesIO()
    Image.new("RGB", (16, 16)).save(png, "PNG")
    data = base64.b64encode(png.getvalue()).decode()
    say({"id": number, "result": {"content": [{"type": "image", "data": data, "mimeType": "image/png"}]}})

for line in sys.stdin:
    asked = json.loads(line)
    number, method = asked.get("id"), asked.get("method")
    if method == "initialize":
        version = asked["params"]["protocolVersion"]
        info = {"name": "deadly", "version": "1"}
        result = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
        say({"id": number, "result": result})
    elif method == "tools/list":
        say({"id": number, "result": {"tools": [{"name": "draw", "inputSchema": {"type": "object"}}]}})
    elif method == "tools/call":
        threading.Thread(target=draw, args=(number, asked["params"]["arguments"]["prompt"]), daemon=True).start()
    elif method == "ping":
        say({"id": number, "result": {}})
    elif number is not None:
        say({"id": number, "error": {"code": -32601, "message": "unknown"}})
"""


async def test_a_call_that_kills_the_server_fails_alone(tmp_path: Path) -> None:
    tool = {"name": "draw", "prompt": "prompt"}
    config = GeneratorConfig.model_validate(
        {"command": [sys.executable, "-c", _SERVER], "tools": {"generate": tool, "edit": {**tool, "image": "image"}}}
    )
    async with McpImageGenerator(config, ImageStore(tmp_path / "images")) as generator:
        calls = [GenerationRequest(prompt=prompt, seed=1) for prompt in ("one", "deadly", "two", "three")]
        ended = await asyncio.gather(*map(generator.generate, calls), return_exceptions=True)
    assert [isinstance(each, GeneratorError) for each in ended] == [False, True, False, False], ended
