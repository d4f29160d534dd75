"""TODO: say what microworld.requests is for."""
