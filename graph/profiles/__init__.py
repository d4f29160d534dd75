"""Profiles: TOML files that name a planner, a critic, an image generator and limits, and the code that opens them.

`profile` reads and validates a file, `opening` builds what it names, `checks` reports whether this machine meets its
requirements. The package does not know trajectories or the workspace.
"""
