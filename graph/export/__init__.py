"""TODO: say what graph.export is for."""
