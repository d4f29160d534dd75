"""The agent on a LangGraph server as one node of your own graph: no model runs in your program."""

import os
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.pregel.remote import RemoteGraph

SERVER = os.environ.get("LANGGRAPH_URL", "http://127.0.0.1:2024")


class State(TypedDict, total=False):
    """What your graph exchanges with the server is JSON: the document is a dictionary here."""

    request: str
    document: dict[str, Any]


builder = StateGraph(State)
builder.add_node("illustrate", RemoteGraph("trajectory", url=SERVER))
builder.add_edge(START, "illustrate")
builder.add_edge("illustrate", END)


if __name__ == "__main__":
    answer = builder.compile().invoke({"request": "a big red ball on the left, then make it blue"})
    for block in answer["document"]["blocks"]:
        print(block["text"] if block["sha256"] is None else f"{SERVER}/images/{block['sha256']}.png")
