"""The exceptions of this project, in one tree.

    InterleaveError               error
      + InputError                invalid_input    a request, image or option cannot be used
      + RefusalError              content_policy   an image service refuses the content that a prompt asks for
      + ProfileError              invalid_profile  a profile cannot be used on this machine
      + StoreError                store            an image cannot be read from or written to a store
      + GeneratorError            generator        an image generator failed
      + ModelAnswerError          model_answer     a planner or critic gave no usable answer
      + ModelError                model            a planner's or critic's model cannot be loaded or reached
      + TrajectoryError           trajectory       an operation does not fit a trajectory's status

The second column is the class's `code`: a short, stable identifier that crosses process boundaries (in MCP tool errors
and `--json` output), so that programs need not parse English. An instance may have a more specific code:

- InputError: `invalid_image`, `image_too_large`, `invalid_prompt`, `prompt_too_long`, `invalid_request`, `refused`,
  `unsupported`, `missing_extra`, `clock` (before 1970), `unusable_answer` (to a form), and those of the micro world:
  `not_understood`, `ambiguous` and `no_checkpoint`
- ProfileError: `local_extra_missing`
- StoreError: `unknown_image`, `corrupt_image`, `damaged` (a trajectory's saved state), `lost` (the lock of a run)
- GeneratorError: `busy`, `deadline`, `server_died`, `unreachable`, `unauthorized`, `closed`, `contract`, `no_image`,
  `corrupt_image`, `unknown_image`, `loading`, `model_not_loaded`, `not_finite`, `out_of_memory`, `quota`, `stopping`,
  `redirected`
- ModelError: `unloaded`
- TrajectoryError: `busy`, `cancelled`, `unknown_trajectory`
- InterleaveError itself: `forked` (the process, after its parent's first use of this package)

A message says what happened and what to do about it. It never contains a secret, not even one that a server repeats.
"""

from .secrets import redact

__all__ = [
    "GeneratorError",
    "InputError",
    "InterleaveError",
    "ModelAnswerError",
    "ModelError",
    "ProfileError",
    "RefusalError",
    "StoreError",
    "TrajectoryError",
]


class InterleaveError(RuntimeError):
    """Base class of every exception that this project raises deliberately.

    It is a RuntimeError, because LangGraph's server replaces the message of any other exception by "An internal error
    occurred".

    Attributes:
        code: Stable identifier for programs, for example `unknown_image` or `busy`.

    Args:
        message: What happened, and what to do about it.
        code: A more specific code than the class's own.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(redact(message))
        if code is not None:
            self.code = code

    @property
    def data(self) -> dict[str, str]:
        """What programs are told: `code` and `message`."""
        return {"code": self.code, "message": str(self)}


class InputError(InterleaveError):
    """A request, image or option cannot be used. Repeating it unchanged fails again.

    Attributes:
        suggestion: A text that would be accepted instead, and may be what was meant; a person decides about it.
    """

    code = "invalid_input"

    def __init__(self, message: str, *, code: str | None = None, suggestion: str | None = None) -> None:
        super().__init__(message, code=code)
        self.suggestion = suggestion

    @property
    def data(self) -> dict[str, str]:
        """What programs are told: `code`, `message` and, if there is one, `suggestion`."""
        return super().data | ({} if self.suggestion is None else {"suggestion": self.suggestion})


class RefusalError(InterleaveError):
    """An image service refuses the content that a prompt or an image asks for; other words may be accepted.

    The message has the service's words. Outages, rate limits and malformed calls are other errors.
    """

    code = "content_policy"


class ProfileError(InterleaveError):
    """A profile is malformed, or names something that is missing on this machine."""

    code = "invalid_profile"


class StoreError(InterleaveError):
    """An image cannot be read from or written to a store: it is unknown or damaged, or the disk is full."""

    code = "store"


class GeneratorError(InterleaveError):
    """An image generator failed.

    Attributes:
        retryable: Whether the same call may succeed later.
        exhausted: Whether the call was already repeated as often as it may be. Programs do not repeat it then, however
            many of them it passes through; a person may.
        retry_after: Seconds after which the service wants to be called again; None: it does not say.
    """

    code = "generator"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retryable: bool = False,
        exhausted: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.retryable = retryable
        self.exhausted = exhausted
        self.retry_after = retry_after


class ModelAnswerError(InterleaveError):
    """A planner or critic gave no usable answer, even after it was told what was wrong with the previous one."""

    code = "model_answer"


class ModelError(InterleaveError):
    """A planner's or critic's model cannot be loaded or reached, so there is no answer to judge."""

    code = "model"


class TrajectoryError(InterleaveError):
    """A trajectory's status does not allow the operation, or another process is running the trajectory."""

    code = "trajectory"
