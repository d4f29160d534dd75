"""How planner, critic and the micro generator are made: data, supervised training, rewards, reinforcement learning.

- Data: `interleavethinker data prompts`, `trajectories`, `scores`, `select`, `planner`, in this order; `sequences` and
  `repairs` besides. Files `data_*` and `rows`.
- Supervised training: `interleavethinker train micro-critic-sft`, `micro-planner-sft`, or `…-sft-8b`. File `sft`.
- Reinforcement learning: `interleavethinker train micro-critic-grpo` or `critic-grpo-8b`. Files `grpo`, `rewards` and
  `regeneration`.
- Image generator: `interleavethinker train micro-generator`. Files `micro_*` and `loop`.

Every command goes on where a killed one stopped. `LOG.md` holds every run with its command, commit, time and result.
"""
