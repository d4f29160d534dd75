"""Everything below the graph: the typed contract, image stores, chat models, the MCP client, and fakes for tests.

`types`, `protocols` and `errors` are the contract that all other packages share. Nothing here knows the graph, the
image server, the micro world, training or evaluation.

Nothing is exported here, so that a command that needs only an error's code imports nothing else. Programs import from
`interleavethinker`, this project's modules from the modules below.
"""
