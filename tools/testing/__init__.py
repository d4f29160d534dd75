"""TODO: say what tools.testing is for."""
