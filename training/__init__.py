"""Makes the data and trains the models: planner, critic, and the micro world's image generator.

Order of stages, with the commands that run them:

1. Image generator: `interleavethinker train micro-generator` (`micro`).
2. Data: `interleavethinker data prompts`, `trajectories`, `scores`, `select`, `planner`, in this order (`data`).
3. Vision pre-training: `interleavethinker train micro-vision-pretraining` (`micro.vision_pretraining`).
4. Planner: `interleavethinker train micro-planner-sft`, then `micro-planner-vision` (`agents.sft`).
5. Critic: `interleavethinker train micro-critic-synthetic`, then `micro-critic-sft` (`agents.sft`).
6. Reinforcement learning of the critic: `interleavethinker train micro-critic-grpo` (`agents.grpo`).
7. Restater of requests: `interleavethinker train micro-restater` (`micro.restater`); it needs no other stage.

The recipes for 8 billion parameters (`planner-sft-8b`, `critic-sft-8b`, `critic-grpo-8b`) run the same code. `recipe`
reads recipes, `loop` trains the models that have no TRL trainer. Every command resumes an interrupted run, and
`results/training-log.md` records every run with its command, commit, time and result.

Training reaches image servers only over MCP, and nothing outside this package and the command line depends on it.
"""
