"""Let the critic choose among three first attempts of a step, then choose another one in a branch."""

import asyncio

import interleavethinker as it

REQUEST = "a big red ball on the left, then make it blue"


async def main() -> None:
    """Runs two trajectories in the default workspace."""
    async with it.Workspace.open() as workspace:
        first = await workspace.create(REQUEST, seed=1, limits=it.Limits(variants=3))
        done = await workspace.run(first)
        kept = done.selected(0)
        for attempt in done.attempts_for(0):
            print(f"attempt {attempt.iteration + 1}", "kept" if attempt == kept else "")

        other = next(attempt for attempt in done.attempts_for(0) if attempt != kept)
        point = it.BranchPoint(step=0, iteration=other.iteration, choose=True)
        second = await workspace.run(await workspace.branch(first, point))
        chosen = second.selected(0)
        if chosen is not None:
            print("chosen instead:", chosen.iteration + 1, "of", len(second.attempts_for(0)))


if __name__ == "__main__":
    asyncio.run(main())
