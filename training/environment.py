"""Prerequisites of a training process: the packages of the `train` extra and a number of CPU threads.

Torch's thread count is state of the whole process. Training sets it here and nowhere else; the image server, the
evaluation workers and the micro generator set their own in their own processes.
"""

import importlib

from interleavethinker.tools.errors import InputError

__all__ = ["require_train_extra", "set_cpu_threads"]


def require_train_extra(*packages: str) -> None:
    """Imports packages of the `train` extra, so that a missing one is reported before any work is done.

    Raises:
        InputError: A package is missing (`missing_extra`); the message has the command that installs it.
    """
    for package in packages:
        try:
            importlib.import_module(package)
        except ImportError as error:
            msg = f"Training needs {package}. Install the train extra: pip install -c constraints.txt '.[train]'"
            raise InputError(msg, code="missing_extra") from error


def set_cpu_threads(count: int) -> None:
    """Sets the number of torch's CPU threads for this whole process."""
    require_train_extra("torch")
    import torch

    torch.set_num_threads(count)
