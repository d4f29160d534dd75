"""Commands for researchers: one image at a time, training data, training, evaluation and benchmarks.

Each file parses options and prints results. The work is done by the packages `evaluation`, `training` and `microworld`,
which a command imports when it runs.
"""
