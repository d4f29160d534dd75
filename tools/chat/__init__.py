"""TODO: say what tools.chat is for."""
