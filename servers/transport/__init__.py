"""TODO: say what servers.transport is for."""
