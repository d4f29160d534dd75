"""Import strings of version 0.1 that have moved, but that users' profiles and stored trajectories may still name."""

__all__ = ["present_name"]

_MOVED = {
    "interleavethinker.microworld.asking:check_request": (
        "interleavethinker.microworld.requests.validation:check_request"
    ),
    "interleavethinker.microworld.scripted_critic:ScriptedCritic": (
        "interleavethinker.microworld.agents.scripted_critic:ScriptedCritic"
    ),
    "interleavethinker.microworld.scripted_planner:ScriptedPlanner": (
        "interleavethinker.microworld.agents.scripted_planner:ScriptedPlanner"
    ),
    "interleavethinker.microworld.scripted_planner:check_request": (
        "interleavethinker.microworld.agents.scripted_planner:check_request"
    ),
    "interleavethinker.tools.doubles:FixedPlanner": "interleavethinker.tools.testing.agents:FixedPlanner",
    "interleavethinker.tools.doubles:RuleCritic": "interleavethinker.tools.testing.agents:RuleCritic",
    "interleavethinker.tools.doubles:lenient_critic": "interleavethinker.tools.testing.agents:accepting_critic",
    "interleavethinker.tools:prompts": "interleavethinker.tools.chat:prompts",
}


def present_name(target: str) -> str:
    """Returns the current location of an import string `module:attribute` or `package:folder`.

    Examples:
        >>> present_name("interleavethinker.tools:prompts")
        'interleavethinker.tools.chat:prompts'
    """
    return _MOVED.get(target, target)
