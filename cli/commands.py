"""What commands exist, in which file each lives, and the one line of help shown for it; nothing is imported here.

To add a command or a group of commands:

1. Write `cli/<file>.py` with a plain function (one command) or a `typer.Typer()` (a group such as `micro draw|edit`).
2. Add one `Entry` to `TABLE` below. `--help` prints its `help`; the file is imported only when that command runs.

A command's function takes typed Typer parameters, returns nothing, prints results to stdout and progress to stderr.
It raises `InterleaveError`s and lets them pass: `cli/exits.py` alone turns them into messages and exit codes. An entry
whose file does not exist fails the tests.
"""

from dataclasses import dataclass

__all__ = ["TABLE", "Entry"]

ANSWERS = "Answers"
MACHINE = "This machine"
TRAJECTORIES = "Trajectories"
RESEARCH = "Models and figures"
SERVERS = "Servers"


@dataclass(frozen=True)
class Entry:
    """One word after `interleavethinker`."""

    name: str
    target: str
    """`file:attribute` inside this package; the attribute is a function or a `typer.Typer`."""
    help: str
    """One sentence for the table; a single command's full help is its docstring."""
    panel: str
    """Heading under which `--help` lists it."""


TABLE: tuple[Entry, ...] = (
    Entry("run", "run:run", "Answer a request with text and pictures.", ANSWERS),
    Entry("resume", "run:resume", "Go on with a trajectory that stopped, for whatever reason.", ANSWERS),
    Entry("branch", "trajectories:branch", "Start anew from any attempt of a trajectory.", ANSWERS),
    Entry("list", "trajectories:list_", "List all trajectories.", TRAJECTORIES),
    Entry("show", "trajectories:show", "Show one as it stands.", TRAJECTORIES),
    Entry("pause", "trajectories:pause", "Stop one after the picture in work.", TRAJECTORIES),
    Entry("cancel", "trajectories:cancel", "Give one up.", TRAJECTORIES),
    Entry("approve", "trajectories:approve", "Approve or replace the plan that one waits with.", TRAJECTORIES),
    Entry("judge", "trajectories:judge", "Judge an attempt yourself.", TRAJECTORIES),
    Entry("export", "trajectories:export", "Write storyboard, document and record.", TRAJECTORIES),
    Entry("delete", "trajectories:delete", "Delete trajectories and unneeded images.", TRAJECTORIES),
    Entry("micro", "micro:app", "Draw or edit one picture with the micro world's generator.", RESEARCH),
    Entry("evaluate", "evaluate:app", "Measure models, with a seed and 95 % intervals.", RESEARCH),
    Entry("data", "data:app", "Make the planner's and the critic's training data.", RESEARCH),
    Entry("train", "train:train", "Train what ships, from nothing; resumable.", RESEARCH),
    Entry("bench", "bench:app", "Measure what this project itself costs.", RESEARCH),
    Entry("doctor", "doctor:doctor", "Check this installation: versions and devices.", MACHINE),
    Entry("image-server", "image_server:image_server", "Serve an image generator over MCP.", SERVERS),
)
"""In the order in which `--help` lists them."""
