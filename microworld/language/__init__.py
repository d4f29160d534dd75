"""The micro world's English: vocabulary, templates that write texts, and a parser that turns texts into tasks.

Two halves are kept apart on purpose: `templates` writes the texts that generators are trained on, `held_out` texts that
they never see in training. Knows nothing of pixels, models or whole requests.
"""
