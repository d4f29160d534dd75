"""TODO: say what microworld.agents is for."""
