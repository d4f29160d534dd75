"""Image generators of the micro world that run in this process: the learned one, an oracle and a keyword baseline.

All have the same two methods, `generate` and `edit`, for batches of texts. Knows nothing of scores or plans. Only
`generators.micro` needs torch, and imports it when weights are loaded.
"""
