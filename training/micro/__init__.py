"""Trains the micro world's own models from scratch: its image generator, and the vision tower of planner and critic.

`generator` runs the generator's stages: `vae`, `text_encoder`, tile table and `transformer`, `decoder`. `vlm` makes a
new, untrained Qwen3-VL, and `vision_pretraining` trains its vision tower. All models have stock diffusers or
transformers classes, so inference needs none of this code. Planner and critic are fine-tuned in `training.agents`.
"""
