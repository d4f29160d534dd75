"""Trains the micro world's own models from scratch: image generator, restater, and the vision tower of its agents.

`generator` runs the generator's stages: `vae`, `text_encoder`, tile table and `transformer`, `decoder`. `vlm` makes a
new, untrained Qwen3-VL, of which `vision_pretraining` trains the vision tower, and `restater` all the rest. All models
have stock diffusers or transformers classes, so inference needs none of this code. Planner and critic are fine-tuned in
`training.agents`.
"""
