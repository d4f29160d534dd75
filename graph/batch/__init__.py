"""Many requests at once: a manifest of requests in, one folder with their answers and one report out.

Knows the workspace and the exports; a batch is nothing but trajectories with keys, which is why it can be continued.
"""
