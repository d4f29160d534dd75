"""A stdio MCP server without a library, which does what no library would: `raw_server.py MODE`.

The mode `line` answers calls with the line in the next argument, in which ID stands for the number of the call.
"""

import json
import os
import sys

mode = sys.argv[1]
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
CALLS: dict[str, object] = {
    "pattern": {"content": [{"type": "text", "text": "no image"}], "structuredContent": {"a": "a" * 40 + "!"}},
    "link": {"content": [{"type": "resource_link", "name": "photo", "uri": "file:///etc/passwd"}]},
}


def forever(data: bytes) -> None:
    while True:
        os.write(1, data)


def say(number: int, kind: str, value: object) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": number, kind: value}) + "\n")
    sys.stdout.flush()


if mode == "endless start":
    forever(b"a" * 65536)
for line in sys.stdin:
    message = json.loads(line)
    number, method = message.get("id"), message["method"]
    if number is None or mode == "silent":
        continue
    if method == "initialize":
        about = {"name": "raw", "version": "1"}
        say(number, "result", {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about})
    elif method == "tools/list":
        tool = {"name": "paint", "inputSchema": {"type": "object"}, "outputSchema": SCHEMA}
        say(number, "result", {"tools": [tool], "nextCursor": "more"})
    elif method == "tools/call" and mode == "endless answer":
        forever(b"a" * 65536)
    elif method == "tools/call" and mode == "chatter":
        forever(b"y\n" * 32768)
    elif method == "tools/call" and mode == "line":
        sys.stdout.write(sys.argv[2].replace("ID", str(number)) + "\n")
        sys.stdout.flush()
    elif method == "tools/call":
        say(number, "result", CALLS[mode])
    else:
        say(number, "error", {"code": -32601, "message": "no such method"})
