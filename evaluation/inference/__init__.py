"""Runs small local chat models for measurements: in batches that are the same in every run, or in worker processes.

It knows how prompts are sent to a model and put into batches. It doesn't know what the prompts are about or how answers
are scored.
"""
