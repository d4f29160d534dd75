"""The image server: one image model behind four MCP tools, with a queue in front of it and a store behind it.

`server` is the MCP contract, `service` checks and answers requests, `queue` batches them, `cache` stores results,
`backends` run the models. It knows nothing of plans, critics or trajectories; its clients may be anybody's.
"""
