"""TODO: say what evaluation.micro is for."""
