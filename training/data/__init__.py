"""Makes training data in stages: requests, trajectories, scored attempts, and rows for the planner and the critic.

Each stage reads the files of the stages before it and writes its own, in one data folder (`schema`):

1. `prompts`: requests with their plans.
2. `trajectories`: the agent's graph run on every request.
3. `critic.score_trajectories`: a score and a teacher's answer for every attempt.
4. `critic.select_rows`: the critic's SFT, RL and test rows.
5. `planner.make_planner_rows`: the planner's rows; `planner.export_sequences` is optional.

`retry_analysis` reports what fixes failed attempts, and `synthetic` makes rows from rendered images without a data
folder. Only `prompts`, `micro_world`, `retry_analysis` and `synthetic` know the micro world; the other stages would
work for any world. Nothing here knows models, tokenizers or trainers.
"""
