"""The trajectory server's MCP interface: eleven tools for chat models, some for the board, and resources.

It works in clients that have tools only, in those that can show forms (elicitation), and in those that show pages (MCP
Apps). Tools that belong to the page are neither listed for nor open to clients without pages, because those would offer
them to the model. Knows nothing of transports.
"""

from importlib.metadata import version
from typing import Any

from mcp.server.apps import Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, Icon, InputRequiredResult, ListToolsResult
from mcp_types import Tool as ListedTool

from interleavethinker.servers.tool_server import ToolServer, error_result
from interleavethinker.tools.errors import InputError, InterleaveError
from interleavethinker.tools.images.png import data_uri

from .app_tools import APP_TOOLS, add_app_tools
from .arguments import small_schema
from .resources import add_resources
from .service import TrajectoryService
from .text import in_tool_names
from .tools import BOARD_URI, add_tools

__all__ = ["TrajectoryServer", "build_server"]

_NAME = "interleavethinker"
_DESCRIPTION = "Plans and generates texts with images, checks every image, and lets people steer it."
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#46a" d="M0 0h3v8H0zM4 0h4v3H4z"/>'
    '<path fill="#b85" d="M4 4h4v4H4z"/></svg>'
)
_INSTRUCTIONS = """Answers requests with interleaved text and images: plans steps, generates an image for each,
judges it, retries.
Flow: illustrate returns an id at once and works in the background; call follow with the id and the last `version` until
it is done; then get_document and answer the user with its text. Never call illustrate again to see how far it is.
If the plan waits for approval, show it to the user and call approve_plan only with their consent.
To change a result, branch from its step: everything before is kept. pause, resume and cancel at any time; resume also
after an error or a restart: nothing that is finished is repeated.
Each answer says which images there are and what they show; the user may not see them otherwise, so describe them.
Steps and attempts count from 1."""
_IMAGES = """
The user's own images: pass image://… of an answer, a data URI, or a path below a folder that the operator allows."""


class TrajectoryServer(ToolServer):
    """A `ToolServer` that hides the board's tools from clients without pages, and lists all others in little space."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_NAME, middleware=[_hide_app_tools], **options)

    async def list_tools(self) -> list[ListedTool]:
        """Returns the tools in a fixed order."""
        return [
            tool.model_copy(update={"input_schema": small_schema(tool.input_schema)})
            for tool in await super().list_tools()
        ]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """See `ToolServer.call_tool`."""
        if name in APP_TOOLS and (context is None or not client_supports_apps(context)):
            return error_result(InputError(f"The tool {name} is for the storyboard's page, which this client lacks."))
        return await super().call_tool(name, arguments, context)

    def worded(self, error: InterleaveError) -> str:
        """See `ToolServer.worded`."""
        return in_tool_names(str(error))


def build_server(service: TrajectoryService, *, board: str | None = None) -> TrajectoryServer:
    """Returns an MCP server over a service; the caller opens the service and runs a transport.

    Args:
        service: Runs the trajectories.
        board: HTML of the storyboard for clients that show pages; None: there is none.
    """
    apps = Apps()
    if board is not None:
        apps.add_html_resource(BOARD_URI, board, name="storyboard", title="Storyboard", prefers_border=False)
    server = TrajectoryServer(
        title="Interleaved text and images",
        description=_DESCRIPTION,
        instructions=_INSTRUCTIONS + _IMAGES,
        version=version("interleavethinker"),
        icons=[Icon(src=data_uri(_ICON.encode(), "image/svg+xml"), mime_type="image/svg+xml", sizes=["any"])],
        extensions=[] if board is None else [apps],
    )
    add_tools(server, service, has_board=board is not None)
    add_app_tools(server, service)
    add_resources(server, service)
    return server


async def _hide_app_tools(context: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    result = await call_next(context)
    if context.method != "tools/list" or client_supports_apps(context):
        return result
    if isinstance(result, ListToolsResult):
        return result.model_copy(update={"tools": [tool for tool in result.tools if tool.name not in APP_TOOLS]})
    if isinstance(result, dict) and isinstance(result.get("tools"), list):
        return result | {"tools": [tool for tool in result["tools"] if tool.get("name") not in APP_TOOLS]}
    return result
