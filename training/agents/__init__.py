"""Trains planner and critic with TRL: supervised fine-tuning (`sft`) and GRPO (`grpo`), at any model size.

`examples` renders rows exactly as inference does, `rewards` scores answers, `regeneration` makes the images that the
step-wise reward needs, and `run_report` writes curves and samples of a run. Nothing here knows how rows were made, and
nothing here knows an image generator other than through the `ImageGenerator` protocol.
"""
