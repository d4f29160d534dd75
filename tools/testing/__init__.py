"""Fakes for tests of programs that use this project, and for trying out the graph: no model, no network.

They implement the same protocols as the real planner, critic and generator, and record every call in `calls`. Public
programs import them from `interleavethinker.testing`.

Example:
    A planner with a fixed plan, a critic that rejects one image, and a generator in memory::

        store = ImageStore(tmp_path / "images")
        planner = FixedPlanner(plan_of("a cat", "a dog"))
        critic = RuleCritic(accept_only("a cat", "a dog!"))  # "a dog" is rejected, its retry "a dog!" accepted
        generator = MemoryGenerator(store)
        async with Workspace.open(tmp_path, components=Components(planner, critic, generator)) as workspace:
            trajectory = await workspace.run(await workspace.create("a pet story"))
        assert [call.prompt for call in generator.calls] == ["a cat", "a dog", "a dog!"]
"""
