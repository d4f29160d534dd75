"""TODO: say what microworld.scenes is for."""
