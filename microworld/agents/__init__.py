"""Planners and critics of the micro world: scripted baselines, teachers that label data, trained ones by name.

Knows the language and the scorer, but no generator, and nothing of how models are trained.
"""
