"""Images as bytes: the canonical PNG form that every image is converted to once, and the content-addressed store.

Does not know who owns an image, what it shows, or how it was made.
"""
