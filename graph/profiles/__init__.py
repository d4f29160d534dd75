"""TODO: say what graph.profiles is for."""
