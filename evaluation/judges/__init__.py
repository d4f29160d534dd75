"""Judges: semantics and quality of single images, 0..10 each, and the shared way of asking a chat model for a judgment.

`base` is the protocol of image judges, with two implementations: the micro world's scorer and any vision-language
model. `chat` asks the questions of all judges that are chat models, those of `benchmarks` too: cached, resumable, with
a limit on concurrent calls. Judges don't know who made an image, and they don't decide what a score is used for.
"""
