"""Measures the micro world's models one at a time: image generator, planner and critic, on held-out samples.

Each module takes a model and returns a report of plain numbers. None of them runs the agent's loop, which is
`evaluation.microbench`'s job, and none knows how a model was trained.
"""
