"""TODO: say what tools.images is for."""
