"""Measures models and agents: judges, the micro world's models one by one, and the whole agent on a benchmark.

Every figure comes with a seed, a number of samples and a 95 % interval. The package reads the output of agents and
generators; it doesn't know how any of them was trained, and it reaches image servers only over MCP.
"""
