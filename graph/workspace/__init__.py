"""Trajectories that are kept: a workspace creates, runs, pauses, reviews, branches and deletes them.

It knows the database, the locks and the image store. It does not know how images are planned, generated or judged (the
graph's nodes do), nor how a trajectory is shown (`graph.export` and the command line do).
"""
