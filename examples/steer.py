"""Stream a trajectory's events, pause it, judge an image, branch, and resume."""

import asyncio

import interleavethinker as it

REQUEST = "Tell a picture story. First a big red ball on the left, at night. Then make the ball blue."


async def main() -> None:
    """Runs two trajectories in the default workspace."""
    async with it.Workspace.open() as workspace:
        first = await workspace.create(REQUEST, seed=1, limits=it.Limits(max_attempts=3))
        async for event in workspace.stream(first):
            match event:
                case it.ImageGenerated(attempt=attempt):
                    print(f"step {attempt.step + 1}: {attempt.prompt}")
                case it.Judged(attempt=attempt) if attempt.verdict:
                    print("  accepted" if attempt.verdict.success else "  rejected, retrying")
            if isinstance(event, it.ImageGenerated) and event.attempt.step == 0:
                await workspace.pause(first)  # takes effect after this image; any process may pause

        paused = await workspace.get(first)
        print(paused.summary.status, "with", len(paused.attempts), "attempt")
        # Override the critic's verdict, with a prompt for the next attempt.
        await workspace.judge(first, it.HumanVerdict(success=False, prompt="a big red ball on the left, at night"))
        done = await workspace.run(first)  # resumes; no finished image is generated again
        print(done.summary.status, done.stop_reason)

        # Keep step 1, replace the prompt of step 2. Steps count from 0 in Python.
        second = await workspace.branch(first, it.BranchPoint(step=1, prompt="make the ball yellow"))
        branched = await workspace.run(second)
        print("same first image:", branched.document.images[0] == done.document.images[0])


if __name__ == "__main__":
    asyncio.run(main())
