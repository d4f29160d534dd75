"""TODO: say what evaluation.inference is for."""
