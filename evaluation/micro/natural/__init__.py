"""Natural requests of the micro world with machine-checkable expectations, and the evaluation that scores answers.

The requests were written by hand, independently of the templates that training data is made from. `dev.jsonl` may be
read and tuned on; `sealed.jsonl` has the same kinds in other words and serves to confirm a result once.
"""
