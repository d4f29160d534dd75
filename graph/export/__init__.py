"""Exports of a trajectory: storyboard (HTML), document (Markdown), record (JSON) and notebook display.

Every export reads a `Trajectory` snapshot and an image store. The package does not know how trajectories are run.
"""
