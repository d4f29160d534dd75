"""TODO: say what graph.workspace is for."""
