"""Requests as users make them, sampled at random together with the plan that fulfils each of them.

Also checks that a real request uses known words only. Knows nothing of planners, critics or generators, nor of how an
answer is scored.
"""
