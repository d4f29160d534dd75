"""TODO: say what evaluation.judges is for."""
