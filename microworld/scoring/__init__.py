"""Ground truth: grades an image against the requirements of a text, or of one step of a plan.

Reads images with `scenes.reader`, without any model. Does not know who made an image or wrote a text. Its constants
are part of every published number and never change.
"""
