"""TODO: say what training.data is for."""
