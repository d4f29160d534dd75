"""The seed streams of the micro world, which keep the tasks of training, evaluation and benchmarks apart.

Seeds that people choose (`--seed`, a recipe's `seed`) are meant to be below `MAX_USER_SEED` and are used unchanged for
data sets and training runs. Everything that must not repeat a training task adds its stream to that seed, or puts the
stream first in the key of its random generator. The streams lie so far apart that no two of them meet for such seeds.

The values are part of every published number: changing one changes which tasks were measured.

| stream | value | draws |
| --- | --- | --- |
| (none) | below 2**20 | data sets, training runs |
| `GENERATOR_PROBE` | 2**20 | held-out tasks that measure a generator while it trains |
| `GENERATOR_EVALUATION` | 2**21 | tasks of `evaluate micro` |
| `PLANNER_EVALUATION`, `CRITIC_EVALUATION` | 2**22 | planner requests; critic steps (see below) |
| `SYNTHETIC_DATA` | 2**23 | synthetic training rows |
| `MICROBENCH` | 2**24 | MicroBench requests |
| `NATURAL_DATA` | 2**25 | natural training rows |
| `DRIFT_EVALUATION` | 2**26 | chains of edits of `evaluate micro-drift` |

Planner and critic evaluation share a stream by accident, which is kept so that published numbers stay reproducible:
with the same seed and split, the critic judges attempts at steps of the very requests that the planner is tested on.
Neither model is trained on them, so the two evaluations are not independent of each other, but both are held out.
"""

__all__ = [
    "CRITIC_EVALUATION",
    "DRIFT_EVALUATION",
    "GENERATOR_EVALUATION",
    "GENERATOR_PROBE",
    "MAX_USER_SEED",
    "MICROBENCH",
    "NATURAL_DATA",
    "PLANNER_EVALUATION",
    "SYNTHETIC_DATA",
]

MAX_USER_SEED = 2**20
"""Exclusive upper bound of the seeds for which no two streams meet."""
GENERATOR_PROBE = 2**20
"""First word of the generator's key."""
GENERATOR_EVALUATION = 2**21
"""First word of the generator's key; the user's seed is the second."""
PLANNER_EVALUATION = 2**22
"""Added to the user's seed."""
CRITIC_EVALUATION = 2**22
"""Added to the user's seed for the requests, and the first word of the key that draws the seeds of the attempts."""
SYNTHETIC_DATA = 2**23
"""Added to the user's seed for the requests, and the first word of the key that draws everything else."""
MICROBENCH = 2**24
"""Added to the user's seed."""
NATURAL_DATA = 2**25
"""Added to the user's seed for the requests, and the first word of the key that draws everything else."""
DRIFT_EVALUATION = 2**26
"""First word of the generator's key; the user's seed is the second."""
