"""Checks whether prompt files and weights that a user supplies fit the role that they are for, without loading a model.

Trained checkpoints answer in a form that their prompts ask for. A folder of the wrong prompts, or of another
architecture's weights, would otherwise be noticed only by unusable answers.
"""

from collections.abc import Mapping
from pathlib import Path

from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.files import is_file, is_folder
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.structured_text import parse_json

from .profile import Role

__all__ = ["check_prompts", "weights_problem"]

_FILES = {
    "planner": ("planner_text.md", "planner_interleaved.md"),
    "fallback_planner": ("planner_text.md", "planner_interleaved.md"),
    "critic": ("critic.md",),
    "fallback_critic": ("critic.md",),
}
_WITH_CHECKLIST = "critic_checklist.md"
"""Takes the place of `critic.md` if the critic is asked for a checklist."""
_PLACEHOLDERS = dict.fromkeys(("critic.md", _WITH_CHECKLIST), ("{{original_prompt}}", "{{prompt}}"))
_FIELDS = {
    "critic.md": ("previous_step_success", "refine_prompt"),
    _WITH_CHECKLIST: ("checklist", "previous_step_success", "refine_prompt"),
    "planner_text.md": ("execution_plan",),
    "planner_interleaved.md": ("execution_plan",),
}
"""The fields of the answers that are read. Prompts name them, except those of models that know no other answers."""
_SMALL = 512
"""Hidden size below which a model was trained from scratch for its one task, as the micro world's are."""
_ARCHITECTURE = "qwen3_vl"


def check_prompts(name: str, role: Role) -> list[CheckResult]:
    """Returns a result for the prompt folder of a role; none if the role uses the shipped prompts."""
    if role.prompts is None or name not in _FILES:
        return []
    files = (_WITH_CHECKLIST,) if role.checklist else _FILES[name]
    label = f"{name.replace('_', ' ')} prompts"
    try:
        folder = Path(resolve_folder(role.prompts))
    except InterleaveError as error:
        return [CheckResult(label, False, str(error))]
    wanted = ", ".join(files)
    if not is_folder(folder):
        return [CheckResult(label, False, f"{role.prompts} was not found; it must have {wanted}")]
    missing = [file for file in files if not is_file(folder / file)]
    if len(missing) == len(files):
        return [CheckResult(label, False, f"{role.prompts} has none of {wanted}")]
    fields = {} if _is_small(role.model or "") else _FIELDS
    found = [folder / file for file in files if file not in missing]
    problems = [one for file in found for one in _problems(file, _PLACEHOLDERS, fields)]
    if problems:
        return [CheckResult(label, False, "; ".join(problems))]
    if missing:
        return [CheckResult(label, True, f"{role.prompts}; shipped ones for {', '.join(missing)}", warning=True)]
    return [CheckResult(label, True, role.prompts)]


def weights_problem(folder: Path) -> str | None:
    """Returns why a folder's weights cannot be a planner or critic of this project; None if nothing is wrong."""
    try:
        architecture = parse_json((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except FileNotFoundError:
        return f"{folder} has no config.json: it must be the folder of a Qwen3-VL model's weights"
    except (OSError, ValueError, AttributeError) as error:
        return f"{folder / 'config.json'} cannot be read: {error}"
    if architecture != _ARCHITECTURE:
        return f"{folder} has weights of the architecture {architecture!r}, not of {_ARCHITECTURE!r}"
    if not any(folder.glob("*.safetensors")):
        return f"{folder} has no weights (*.safetensors)"
    return None


def _is_small(model: str) -> bool:
    try:
        folder = Path(resolve_folder(model.removeprefix(OWN_PREFIX)))
        config = parse_json((folder / "config.json").read_text(encoding="utf-8"))
        return int(config["text_config"]["hidden_size"]) < _SMALL
    except (InterleaveError, OSError, ValueError, KeyError, TypeError):
        return False


def _problems(file: Path, *needed: Mapping[str, tuple[str, ...]]) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [f"{file.name} cannot be read: {error}"]
    missing = [words for one in needed for words in one.get(file.name, ()) if words not in text]
    return [f"{file.name} lacks {', '.join(missing)}"] if missing else []
