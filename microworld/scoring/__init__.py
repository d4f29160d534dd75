"""Ground truth: grades an image against what a text, or one step of a plan, asks for.

Reads images with `scenes.reader`, without any model. Knows nothing of who made an image or wrote a text. Its constants
are part of every published number and never change.
"""
