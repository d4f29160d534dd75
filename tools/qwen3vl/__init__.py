"""TODO: say what tools.qwen3vl is for."""
