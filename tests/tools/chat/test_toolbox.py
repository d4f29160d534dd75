"""Tests of `LangChainTools` with tools that misbehave."""

import asyncio
import threading
import time

import pytest
from langchain_core.tools import BaseTool, tool

from interleavethinker.tools.chat.toolbox import LangChainTools


def test_a_tool_that_outlasts_its_caller_does_not_keep_the_program() -> None:
    release = threading.Event()

    @tool
    def slow(word: str) -> str:
        """Takes long."""
        release.wait(20)
        return word

    async def given_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(LangChainTools([slow]).call("slow", {"word": "x"}), 0.1)

    began = time.monotonic()
    asyncio.run(given_up())
    assert time.monotonic() - began < 10
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "tool")
    release.set()


async def test_a_tool_that_would_end_the_program_fails_like_any_other() -> None:
    @tool
    def leaves(word: str) -> str:
        """Ends the program."""
        raise SystemExit(word)

    @tool
    def stops(word: str) -> str:
        """Raises what a future does not take."""
        raise StopIteration(word)

    tools = LangChainTools([leaves, stops])
    for name in ("leaves", "stops"):
        with pytest.raises(RuntimeError, match="the tool ended with"):
            await asyncio.wait_for(tools.call(name, {"word": "x"}), 5)


async def test_an_asynchronous_tool_runs_in_the_callers_loop() -> None:
    loops = []

    @tool
    async def near(word: str) -> str:
        """Notes its loop."""
        loops.append(asyncio.get_running_loop())
        return word

    class Near(BaseTool):
        name: str = "class"
        description: str = "Notes its loop."

        def _run(self, word: str) -> str:
            raise AssertionError(word)

        async def _arun(self, word: str) -> str:
            loops.append(asyncio.get_running_loop())
            return word

    tools = LangChainTools([near, Near()])
    assert [await tools.call(name, {"word": "x"}) for name in ("near", "class")] == ["x", "x"]
    assert loops == [asyncio.get_running_loop()] * 2
