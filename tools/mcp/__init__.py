"""TODO: say what tools.mcp is for."""
