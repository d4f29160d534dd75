"""TODO: say what microworld.generators is for."""
