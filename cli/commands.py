"""What commands exist, in which file each lives, and the one line of help shown for it; nothing is imported here.

To add a command or a group of commands:

1. Write `cli/<file>.py` with a plain function (one command) or a `typer.Typer()` (a group such as `micro draw|edit`).
2. Add one `CommandSpec` to `TABLE` below. `--help` prints its `help`; the file is imported only when that command runs.

A command's function takes typed Typer parameters, returns nothing, prints results to stdout and progress to stderr.
It raises `InterleaveError`s and lets them pass: `cli/exits.py` alone turns them into messages and exit codes. An entry
whose file does not exist fails the tests.
"""

from dataclasses import dataclass

__all__ = ["TABLE", "CommandSpec"]

ANSWERS = "Answers"
MACHINE = "This machine"
TRAJECTORIES = "Trajectories"
RESEARCH = "Models and figures"
SERVERS = "Servers"


@dataclass(frozen=True)
class CommandSpec:
    """One word after `interleavethinker`."""

    name: str
    target: str
    """`file:attribute` inside this package; the attribute is a function or a `typer.Typer`."""
    help: str
    """One sentence for the table; a single command's full help is its docstring."""
    panel: str
    """Heading under which `--help` lists it."""


TABLE: tuple[CommandSpec, ...] = (
    CommandSpec("run", "run:run", "Answer a request with text and pictures.", ANSWERS),
    CommandSpec("resume", "run:resume", "Go on with a trajectory that stopped, for whatever reason.", ANSWERS),
    CommandSpec("branch", "trajectories:branch", "Start anew from any attempt of a trajectory.", ANSWERS),
    CommandSpec("list", "trajectories:list_", "List all trajectories.", TRAJECTORIES),
    CommandSpec("show", "trajectories:show", "Show one as it stands.", TRAJECTORIES),
    CommandSpec("pause", "trajectories:pause", "Stop one after the picture in work.", TRAJECTORIES),
    CommandSpec("cancel", "trajectories:cancel", "Give one up.", TRAJECTORIES),
    CommandSpec("approve", "trajectories:approve", "Approve or replace the plan that one waits with.", TRAJECTORIES),
    CommandSpec("judge", "trajectories:judge", "Judge an attempt yourself.", TRAJECTORIES),
    CommandSpec("export", "trajectories:export", "Write storyboard, document and record.", TRAJECTORIES),
    CommandSpec("delete", "trajectories:delete", "Delete trajectories and unneeded images.", TRAJECTORIES),
    CommandSpec("micro", "micro:app", "Draw or edit one picture with the micro world's generator.", RESEARCH),
    CommandSpec("evaluate", "evaluate:app", "Measure models, with a seed and 95 % intervals.", RESEARCH),
    CommandSpec("data", "data:app", "Make the planner's and the critic's training data.", RESEARCH),
    CommandSpec("train", "train:train", "Train what ships, from nothing; resumable.", RESEARCH),
    CommandSpec("bench", "bench:app", "Measure what this project itself costs.", RESEARCH),
    CommandSpec("doctor", "doctor:doctor", "Check this installation: versions and devices.", MACHINE),
    CommandSpec("image-server", "image_server:image_server", "Serve an image generator over MCP.", SERVERS),
)
"""In the order in which `--help` lists them."""
