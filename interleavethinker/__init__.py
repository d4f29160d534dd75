"""Interleaved text-and-image answers from any image generator."""
