"""A stdio MCP server that does not follow this project's contract: other tool names, arguments and results."""

import base64
import io
import json
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
)
from PIL import Image

server: MCPServer = MCPServer("third-party", log_level="ERROR")


def jpeg(color: tuple[int, int, int], size: tuple[int, int] = (20, 10)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, format="JPEG", quality=100)
    return buffer.getvalue()


@server.tool(structured_output=False)
def paint(text: str, style: str, where: str, random_state: int = 0, w: int = 20, h: int = 10) -> Any:
    """Returns an image of the random state's color, in the place that `where` names."""
    assert style == "flat"
    if text == "fail":
        raise ToolError("out of paint")
    data = jpeg((random_state % 256, 0, 0), (w, h))
    encoded = base64.b64encode(data).decode()
    note = TextContent(type="text", text="here you are")
    if where == "content":
        return CallToolResult(content=[note, ImageContent(type="image", data=encoded, mime_type="image/jpeg")])
    if where == "embedded":
        blob = BlobResourceContents(uri="paint://1", blob=encoded, mime_type="image/jpeg")
        return CallToolResult(content=[note, EmbeddedResource(type="resource", resource=blob)])
    if where == "link":
        link = ResourceLink(
            type="resource_link", uri=f"paint://{random_state}/{w}/{h}", name="x", mime_type="image/jpeg"
        )
        return CallToolResult(content=[note, link])
    if where == "structured":
        return CallToolResult(content=[note], structured_content={"images": [{"data": encoded}]})
    if where == "structured link":
        return CallToolResult(content=[note], structured_content={"file": f"paint://{random_state}/{w}/{h}"})
    if where == "text":
        return CallToolResult(content=[TextContent(type="text", text=encoded)])
    if where == "json text":
        text = json.dumps({"result": {"url": f"data:image/jpeg;base64,{encoded}"}})
        return CallToolResult(content=[TextContent(type="text", text=text)])
    return CallToolResult(content=[note])


@server.tool(structured_output=False)
def repaint(instruction: str, pictures: list[str]) -> Any:
    """Returns the source image, so that a test sees what arrived."""
    assert instruction
    (source,) = pictures
    return CallToolResult(content=[TextContent(type="text", text=source)])


@server.resource("paint://{red}/{w}/{h}", mime_type="image/jpeg")
def painted(red: str, w: str, h: str) -> bytes:
    """An image."""
    return jpeg((int(red) % 256, 0, 0), (int(w), int(h)))


if __name__ == "__main__":
    server.run("stdio")
