"""The one error tree. A message says what must hold, what was found and what to do; it never carries a secret.

Every error has a `code`: a short, stable word that crosses process borders (an MCP tool error, an exit code, a
`--json` field), so that a program can act on it without reading English.
"""

__all__ = [
    "GeneratorError",
    "InputError",
    "InterleaveError",
    "ModelAnswerError",
    "ModelError",
    "ProfileError",
    "StoreError",
    "TrajectoryError",
]


class InterleaveError(Exception):
    """Root of everything this project raises on purpose.

    Args:
        message: What must hold, what was found, what to do.
        code: Stable word for programs, for example `unknown_image` or `busy`; defaults to the class's own.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class InputError(InterleaveError):
    """What the user or a client sent cannot be used; sending it again unchanged will not help."""

    code = "invalid_input"


class ProfileError(InterleaveError):
    """A profile is malformed, or names something that this machine lacks."""

    code = "invalid_profile"


class StoreError(InterleaveError):
    """An image store cannot keep or give what was asked: unknown, torn or corrupted bytes, a full disk."""

    code = "store"


class GeneratorError(InterleaveError):
    """An image generator failed. `retryable` says whether the same call may succeed later."""

    code = "generator"

    def __init__(self, message: str, *, code: str | None = None, retryable: bool = False) -> None:
        super().__init__(message, code=code)
        self.retryable = retryable


class ModelAnswerError(InterleaveError):
    """A planner or critic answered in a form that cannot be used, also after being asked again."""

    code = "model_answer"


class ModelError(InterleaveError):
    """A planner's or critic's model cannot be loaded or reached; what it would have answered is unknown."""

    code = "model"


class TrajectoryError(InterleaveError):
    """A trajectory cannot do what was asked in its present status, or another process holds it."""

    code = "trajectory"
