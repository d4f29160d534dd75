"""An embedded world of 96 x 96 pixel images, small enough that planner, critic and generator can be trained on a CPU.

It holds everything that defines that world: scenes and their pixels, the language that describes and edits them, the
requests people make, a scorer that reads an image back, scripted and learned agents, generators, and their checkpoints.
Knows nothing of the agent graph, of training or of evaluation; those import it, never the other way round.
"""
