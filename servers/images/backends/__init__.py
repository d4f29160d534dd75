"""TODO: say what servers.images.backends is for."""
