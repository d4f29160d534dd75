"""Scenes as data, their rendering to pixels, and a reader that recovers a scene from pixels.

Knows nothing of language: `language` relates texts to scenes, and `scoring` decides whether an image satisfies a text.
"""
