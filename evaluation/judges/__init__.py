"""Judges of single images: semantics and quality, 0..10 each.

A protocol with two implementations, the micro world's scorer and any vision-language model. Judges don't know who made
an image, and they don't decide what a score is used for.
"""
