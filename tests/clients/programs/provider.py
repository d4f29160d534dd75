"""Three model providers on this machine, in their own protocols: each answers with a tool call, then with words.

It calls a tool, `generate_image` unless told otherwise, until that answers with a result, and records every request,
as the provider would get it.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Tool = tuple[str, dict[str, Any]]
"""Its name and the arguments of the call."""
IMAGE: Tool = ("generate_image", {"prompt": "a red ball", "seed": 5})


@contextlib.contextmanager
def provider(most_calls: int = 12, tool: Tool = IMAGE) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields the base URL and the list of request bodies so far."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            requests.append(body)
            call = not answered(body) and len(requests) <= most_calls
            if "chat/completions" in self.path:
                reply = openai(call, len(requests), tool)
            elif self.path.endswith("/messages"):
                reply = anthropic(call, len(requests), tool)
            elif "generateContent" in self.path:
                reply = google(call, tool)
            else:
                raise AssertionError(self.path)
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()


def answered(body: dict[str, Any]) -> bool:
    """Whether the newest message is the result of a tool call, and not the request to call again."""
    messages = body.get("messages") or body["contents"]
    newest = json.dumps(messages[-1])
    is_result = messages[-1]["role"] == "tool" or "tool_result" in newest or "functionResponse" in newest
    # Chat Completions takes no images in tool messages; clients may append them as a user's message.
    return (is_result or len(messages) > 2) and "loading: " not in newest


def openai(call: bool, number: int, tool: Tool) -> dict[str, Any]:
    """A Chat Completions response."""
    function = {"name": tool[0], "arguments": json.dumps(tool[1])}
    message: dict[str, Any] = {"role": "assistant", "content": None if call else "Here it is."}
    if call:
        message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {
        "id": f"c{number}",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def anthropic(call: bool, number: int, tool: Tool) -> dict[str, Any]:
    """A Messages response."""
    block = (
        {"type": "tool_use", "id": f"toolu_{number}", "name": tool[0], "input": tool[1]}
        if call
        else {"type": "text", "text": "Here it is."}
    )
    return {
        "id": f"m{number}",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [block],
        "stop_reason": "tool_use" if call else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def google(call: bool, tool: Tool) -> dict[str, Any]:
    """A generateContent response."""
    part = {"functionCall": {"name": tool[0], "args": tool[1]}} if call else {"text": "Here it is."}
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    }
