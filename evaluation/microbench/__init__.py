"""TODO: say what evaluation.microbench is for."""
