"""Trajectories as a service: start, watch and steer them from a chat assistant (MCP) or a web page.

`service` runs trajectories of one workspace in this process and describes each by one model, the `View`; it knows
nothing of MCP or HTTP. `server` exposes it as MCP tools. The package does not know how images are planned, generated or
judged.
"""
