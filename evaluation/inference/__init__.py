"""Runs small local chat models for measurements: in batches that are the same in every run, or in worker processes.

It knows how a question reaches a model and how batches are made up. It doesn't know what is asked or how answers are
scored.
"""
