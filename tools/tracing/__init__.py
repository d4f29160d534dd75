"""OpenTelemetry traces of runs, model calls and image calls, off by default.

`spans` is what instrumented code uses; it imports nothing of OpenTelemetry. `recording` is its other side, imported
once a program has loaded OpenTelemetry's SDK, and `startup` sets the SDK up for a command of this project.
"""
