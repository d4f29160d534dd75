"""What the graph holds in its hands, and the typed contract of everything else.

Nothing is exported here, so that a command which needs only an error's code pays for nothing more. Import from the
modules: `types` (the words), `errors` (the one tree), `ports` (planner, critic, generator), and those beside them.
"""
