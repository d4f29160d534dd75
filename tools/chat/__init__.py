"""Planner and critic as chat models: prompts, rendering of conversations, reading of answers, and confidences.

Works with any LangChain chat model. What a conversation contains is decided here alone, for serving and for training.
"""
