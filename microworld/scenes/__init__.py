"""Scenes as data, their rendering to pixels, and a reader that recovers a scene from pixels.

Knows nothing of language: what a text says about a scene is the business of `language`, whether an image satisfies a
text that of `scoring`.
"""
