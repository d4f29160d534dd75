"""Answer several requests side by side, compare two seeds, and read the results."""

import asyncio

import interleavethinker as it

REQUESTS = [
    it.BatchRequest(text="a big red ball on the left, at night. Then make the ball blue.", name="ball"),
    it.BatchRequest(text="a small white cat on the left, in a meadow.", name="cat"),
]


async def main() -> None:
    """Runs a batch in the default workspace; running the program again repeats nothing."""
    async with it.Workspace.open() as workspace:
        compared = it.sweep(REQUESTS, {"seed": [1, 2]})
        for result in await it.run_batch(workspace, compared, "runs/example", at_once=4, profile="micro"):
            print(f"{result.name}: {result.status}, {result.accepted_steps} of {result.steps} steps accepted")


if __name__ == "__main__":
    asyncio.run(main())
