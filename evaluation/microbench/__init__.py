"""MicroBench: runs the whole agent on held-out requests of the micro world and scores its text and images.

Experiments pair planners and critics the way the paper's tables do. The package owns requests, scores, statistics and
reports. It runs the agent only through `graph` and reaches the image server only over MCP.
"""
