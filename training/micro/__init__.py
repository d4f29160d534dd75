"""TODO: say what training.micro is for."""
