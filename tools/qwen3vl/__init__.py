"""Qwen3-VL in this process: a LangChain chat model, weights shared by all of its users, and batching.

Does not know what planners and critics ask; torch and transformers are imported when weights are loaded.
"""
