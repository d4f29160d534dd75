"""The agent as one node of your own LangGraph graph."""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph

import interleavethinker as it


class State(TypedDict, total=False):
    """Your graph's state; `request` and `document` are what the node reads and writes."""

    topic: str
    request: str
    document: it.Document
    pages: int


def prepare(state: State) -> State:
    """Writes the request."""
    return {"request": f"{state['topic']}, then make it blue"}


def publish(state: State) -> State:
    """Uses the document; `it.shared_store()` has the images' bytes."""
    return {"pages": len(state["document"].images)}


builder = StateGraph(State)
builder.add_node("prepare", prepare)
builder.add_node("illustrate", it.make_graph(profile="micro"))
builder.add_node("publish", publish)
builder.add_edge(START, "prepare")
builder.add_edge("prepare", "illustrate")
builder.add_edge("illustrate", "publish")
builder.add_edge("publish", END)

if __name__ == "__main__":
    result = builder.compile().invoke({"topic": "a big red ball on the left"})
    print(result["document"].text)
    print(result["pages"], "images")
