"""TODO: say what microworld.language is for."""
