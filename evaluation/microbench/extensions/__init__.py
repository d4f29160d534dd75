"""MicroBench's experiments on what the agent has beyond the paper: references, variants, checklists, the drift guard.

Each experiment counts units of its own (characters, requests, failed attempts, chains of edits) and gives one table:
measures with 95 % intervals, and paired differences with the verdicts of `aggregation`. All of them share one report.
"""
