"""The agent in a graph with a checkpointer: a person approves or edits the plan, even in a later process."""

from typing import Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

import interleavethinker as it


class State(TypedDict, total=False):
    """`approve_plan` makes the agent ask before it generates anything."""

    request: str
    approve_plan: bool
    document: it.Document


builder = StateGraph(State)
builder.add_node("illustrate", it.make_graph(profile="micro"))  # It uses the checkpointer of the graph around it.
builder.add_edge(START, "illustrate")
builder.add_edge("illustrate", END)
graph = builder.compile(checkpointer=InMemorySaver(serde=it.serializer()))


if __name__ == "__main__":
    thread: Any = {"configurable": {"thread_id": "1"}}
    asked = graph.invoke({"request": "a big red ball on the left, then make it blue", "approve_plan": True}, thread)
    action = asked["__interrupt__"][0].value["action_requests"][0]
    steps = action["args"]["steps"]
    print("planned:", [step["prompt"] for step in steps])

    edited = {"name": action["name"], "args": {"steps": steps[:1]}}  # {"type": "approve"} would carry it out unchanged.
    answer = graph.invoke(Command(resume={"decisions": [{"type": "edit", "edited_action": edited}]}), thread)
    print("generated:", [block.text for block in answer["document"].blocks if block.kind == "image"])
