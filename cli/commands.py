"""The table of commands: name, file and one line of help. No command is imported here.

To add a command or a group of commands:

1. Write `cli/<file>.py`, or `cli/research/<file>.py` for models and evaluation, with a function (one command) or a
   `typer.Typer()` (a group, such as `micro generate|edit`). A command that needs an open workspace is an async function
   under `@workspace_command`.
2. Add one `CommandSpec` to `TABLE` below. `--help` shows its `help`; the file is imported only when the command runs.

Shared options come from `options.py`, progress display from `progress.py`. A command prints through `terminal.py`:
results to stdout and everything else to stderr. It does not catch `InterleaveError`: only `exit_codes.py` turns errors
into messages and exit codes. A `CommandSpec` whose file does not exist fails the tests.
"""

from dataclasses import dataclass

__all__ = ["TABLE", "CommandSpec"]

ANSWERS = "Answers"
TRAJECTORIES = "Trajectories"
RESEARCH = "Models and evaluation"
INSTALLATION = "Installation and servers"
AGENT = "interleavethinker"


@dataclass(frozen=True)
class CommandSpec:
    """One command: a word after `interleavethinker`."""

    name: str
    target: str
    """`file:attribute` or `folder.file:attribute` in this package; the attribute is a function or a `typer.Typer`."""
    help: str
    """One sentence for `--help`; the command's docstring is its full help."""
    panel: str
    """Heading under which `--help` lists it."""
    service: str = ""
    """Name under which traces show it, if it runs models or serves; empty: it is not traced."""


TABLE: tuple[CommandSpec, ...] = (
    CommandSpec("run", "run:run", "Answer a request with text and images.", ANSWERS, service=AGENT),
    CommandSpec("batch", "batch:batch", "Answer the requests of a manifest side by side.", ANSWERS, service=AGENT),
    CommandSpec(
        "sweep", "batch:sweep", "Answer a manifest with several profiles, seeds or limits.", ANSWERS, service=AGENT
    ),
    CommandSpec(
        "worker",
        "worker:worker",
        "Answer the requests that wait in a workspace.",
        ANSWERS,
        service="interleavethinker-worker",
    ),
    CommandSpec("resume", "run:resume", "Resume a stopped trajectory.", ANSWERS, service=AGENT),
    CommandSpec("branch", "trajectories:branch", "Start a new trajectory from any attempt of another.", ANSWERS),
    CommandSpec("list", "listing:list_", "List trajectories, one on a line.", TRAJECTORIES),
    CommandSpec("last", "listing:last", "Show the most recent trajectory.", TRAJECTORIES),
    CommandSpec("show", "trajectories:show", "Show the current state of a trajectory.", TRAJECTORIES),
    CommandSpec("open", "listing:open_", "Open the storyboard of a trajectory in your browser.", TRAJECTORIES),
    CommandSpec("pause", "trajectories:pause", "Pause a trajectory after the current image.", TRAJECTORIES),
    CommandSpec("cancel", "trajectories:cancel", "Cancel a trajectory.", TRAJECTORIES),
    CommandSpec("approve", "trajectories:approve", "Approve or replace a waiting plan.", TRAJECTORIES),
    CommandSpec("judge", "trajectories:judge", "Override the critic's verdict on an attempt.", TRAJECTORIES),
    CommandSpec("export", "trajectories:export", "Write the storyboard, document and record.", TRAJECTORIES),
    CommandSpec("delete", "deleting:delete", "Delete trajectories and unused images.", TRAJECTORIES),
    CommandSpec(
        "micro",
        "research.micro:app",
        "List the micro world's words; generate or edit one image.",
        RESEARCH,
        service=AGENT,
    ),
    CommandSpec(
        "evaluate", "research.evaluate:app", "Measure models and agents, with 95 % intervals.", RESEARCH, service=AGENT
    ),
    CommandSpec(
        "data", "research.data:app", "Make training data for the planner and the critic.", RESEARCH, service=AGENT
    ),
    CommandSpec("train", "research.train:train", "Train the shipped models from scratch; resumable.", RESEARCH),
    CommandSpec("experiment", "research.experiment:experiment", "Run several trainings and compare them.", RESEARCH),
    CommandSpec(
        "bench", "research.bench:app", "Measure the overhead of this project's own code.", RESEARCH, service=AGENT
    ),
    CommandSpec("doctor", "doctor:doctor", "Check the installation: versions, devices, profile.", INSTALLATION),
    CommandSpec("profiles", "profiles:app", "List and show profiles, and start a new one.", INSTALLATION),
    CommandSpec("prices", "prices:prices", "Show the prices of hosted models.", INSTALLATION),
    CommandSpec("settings", "settings:app", "Show and change the default profile and workspace.", INSTALLATION),
    CommandSpec(
        "studio",
        "studio:studio",
        "Open a local web page to start and steer trajectories.",
        INSTALLATION,
        service="interleavethinker-studio",
    ),
    CommandSpec(
        "trajectory-server",
        "trajectory_server:trajectory_server",
        "Serve the agent to chat clients.",
        INSTALLATION,
        service="interleavethinker-trajectory-server",
    ),
    CommandSpec("connect", "connect:connect", "Print or write what a chat client needs.", INSTALLATION),
    CommandSpec(
        "image-server",
        "image_server:image_server",
        "Serve an image generator over MCP.",
        INSTALLATION,
        service="interleavethinker-image-server",
    ),
)
"""In the order in which `--help` lists them."""
