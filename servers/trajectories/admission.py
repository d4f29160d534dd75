"""What must hold before a trajectory runs in this server, wherever it was made: its limits are within the operator's,
and where a person is required for every plan, its plans wait for one.
"""

from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError

from .options import LimitRequest, ServiceOptions

__all__ = ["Admission"]


class Admission:
    """Admits trajectories of a workspace.

    Args:
        workspace: Open.
        options: What clients may do.
    """

    def __init__(self, workspace: Workspace, options: ServiceOptions) -> None:
        self._workspace = workspace
        self._options = options

    async def admit(self, trajectory: str, limits: LimitRequest | None = None, *, by_person: bool) -> None:
        """Brings a trajectory that does not run within what is allowed.

        Args:
            trajectory: Its id.
            limits: Changes of its limits that a call asks for; None: those that it has, as far as they are allowed.
            by_person: Whether it is certain that a person wants it to run, with the plan that it has.

        Raises:
            InputError: A limit cannot be used, or it has a plan that no person has approved (`person_required`).
            TrajectoryError: It runs (`busy`) or was cancelled; or its limits must change, and it is complete.
        """
        asks = limits is not None and limits != LimitRequest()
        if self._options.require_person:
            await self._workspace.require_approval(trajectory, but_present=by_person)
        if asks or self._options.allowed != LimitRequest():
            found = await self._workspace.get(trajectory)
            changed = await self._options.changed_limits(found, limits)
            if asks or changed != found.limits:
                await self._workspace.change_limits(found.id, changed)

    def check_approval(self, trajectory: str, *, by_person: bool) -> None:
        """Refuses an approval by a model where a person is required.

        Raises:
            InputError: It is one (`person_required`).
        """
        if self.waits_for_person(by_person=by_person):
            raise InputError(
                "A person must approve the plan: on the board, in the studio, or with `interleavethinker approve "
                f"{trajectory}` on the command line. A model cannot.",
                code="person_required",
            )

    def check_words(self, prompt: str | None, *, by_person: bool) -> None:
        """Refuses a model's words for the image in progress where a person is required: nobody would approve them.

        Raises:
            InputError: There are some (`person_required`).
        """
        if prompt is not None and self.waits_for_person(by_person=by_person):
            raise InputError(
                "A person must give new words for a step: on the board, in the studio, or with `interleavethinker "
                "judge` on the command line. Reject the image without a prompt, or call branch with it: the branch "
                "waits for a person.",
                code="person_required",
            )

    def waits_for_person(self, *, by_person: bool) -> bool:
        """Returns whether what is wanted must be approved by a person first."""
        return self._options.require_person and not by_person
