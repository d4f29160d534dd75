"""The studio: a local web page on which a person starts, watches and steers the trajectories of a workspace.

`page/` holds the page; it is also what an MCP client shows as a storyboard. The server in `app` translates HTTP into
calls of `servers.trajectories.service`, which runs the trajectories. The package does not know how they are run.
"""
