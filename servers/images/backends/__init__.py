"""Image models as backends of the image server: diffusers pipelines, hosted APIs, and a fake one without a model.

Each implements `base.Backend`. A backend turns checked jobs into PNG bytes and reports what identifies its model; it
knows nothing of MCP, queues or stores.
"""
