"""MCP servers of this project: the transports in `transport`, the image server in `images`.

A server knows nothing of planners, critics, training or evaluation. Importing it needs no model library: torch,
diffusers and transformers are imported when a local model is loaded.
"""
