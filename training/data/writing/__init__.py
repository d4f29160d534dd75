"""Stage 1 as in the paper: a chat model writes vocabulary and templates, and requests are put together from them.

Everything that the model writes is in text files, an entry a line, that people may edit before requests are made.
"""
