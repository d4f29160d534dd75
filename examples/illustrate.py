"""Turns a request into a folder with a storyboard, a Markdown document and images."""

import interleavethinker as it

answer = it.illustrate("a big red ball on the left, then make it blue", seed=1)
print(answer.text)
for image in answer.images:
    print(image.size)
answer.save("out")
