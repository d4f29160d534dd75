"""TODO: say what microworld.scoring is for."""
