"""TODO: say what training.agents is for."""
