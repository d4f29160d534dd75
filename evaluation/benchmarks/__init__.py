"""Public benchmarks of interleaved generation, text-to-image and editing, for any profile, any answers and any judge.

One pure file a benchmark: `ueval`, `comm`, `wise`, `rise` and `opening` say what is read, asked, scored and averaged.
Everything that touches a disk or a model is written once, around them. None of the benchmarks' items, prompts or code
is part of this package: users name the data, and may name the published prompt files.
"""
