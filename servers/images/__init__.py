"""TODO: say what servers.images is for."""
