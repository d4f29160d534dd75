"""The micro world's English: vocabulary, templates that write texts, and a parser that turns texts into tasks.

Two halves are kept apart on purpose: `templates` writes what generators are trained on, `held_out` what they must meet
untrained. Knows nothing of pixels, models or whole requests.
"""
