"""Messages that are no JSON-RPC, and calls whose ID is none: they are answered before the MCP library sees them.

The library takes a call whose ID is null, a fraction or a list for a notification, which nobody answers, and drops
what else is invalid on standard input: in both cases the client would wait forever.
"""

from typing import Any

__all__ = ["INVALID_REQUEST", "invalid_request"]

INVALID_REQUEST = -32600
_NOTIFICATIONS = "notifications/"


def invalid_request(message: object) -> dict[str, Any] | None:
    """Returns the JSON-RPC error that answers a message; None if the library will answer it, or nobody need.

    A notification with an ID that is none, as some clients send them, stays a notification.

    Args:
        message: What was read from JSON.

    Examples:
        >>> invalid_request({"jsonrpc": "2.0", "id": None, "method": "tools/list"})["error"]["code"]
        -32600
        >>> invalid_request({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    """
    from mcp_types import JSONRPCNotification, jsonrpc_message_adapter
    from pydantic import ValidationError

    number = message.get("id") if isinstance(message, dict) else None
    number = number if isinstance(number, int | str) and not isinstance(number, bool) else None
    try:
        read = jsonrpc_message_adapter.validate_python(message, by_name=False)
    except ValidationError:
        return _error(number, "The message is no JSON-RPC 2.0 request, notification or response.")
    if not isinstance(read, JSONRPCNotification) or not isinstance(message, dict) or "id" not in message:
        return None
    if read.method.startswith(_NOTIFICATIONS):
        return None
    return _error(None, "The ID of a request must be a string or a whole number.")


def _error(number: int | str | None, words: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": INVALID_REQUEST, "message": words}}
