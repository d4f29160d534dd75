"""Trajectories per hour: this project against a minimal serial loop of the same models, on the same machine."""
