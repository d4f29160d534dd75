"""What a profile needs and whether this machine has it, found out without loading a model or asking a server."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.qwen3vl.inference import resolve_folder

from .profile import Profile, Role, import_object

__all__ = ["CheckResult", "check_profile", "wants_gpu"]

_PROVIDERS = {
    "anthropic": ("langchain_anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    "google_genai": ("langchain_google_genai", "google", "GOOGLE_API_KEY"),
    "openai": ("langchain_openai", "openai", "OPENAI_API_KEY"),
}
"""Module, extra of this package, and key of the providers that have an extra."""
_IMAGE_KEYS = {"gemini": "GEMINI_API_KEY", "openai": "OPENAI_API_KEY"}
_LARGE = ("8B", "9B", "4B")
_OWN_MODELS = {"cells", "micro"}


@dataclass(frozen=True)
class CheckResult:
    """One line of the report."""

    name: str
    good: bool
    found: str


def check_profile(profile: Profile) -> list[CheckResult]:
    """Returns a finding for each of planner, critic and generator."""
    return [_role("planner", profile.planner), _role("critic", profile.critic), _generator(profile)]


def wants_gpu(profile: Profile) -> bool:
    """Whether a profile loads models that are slow without a GPU, judging by their names."""
    names = [profile.planner.model, profile.critic.model, profile.generator.model]
    return any(name is not None and mark in name for name in names for mark in _LARGE)


def _role(name: str, role: Role) -> CheckResult:
    if role.object is not None:
        try:
            import_object(role.object)
        except InterleaveError as error:
            return CheckResult(name, False, str(error))
        return CheckResult(name, True, role.note or role.object)
    model = role.model or ""
    if model.startswith(OWN_PREFIX):
        return _weights(name, model.removeprefix(OWN_PREFIX))
    provider = model.partition(":")[0]
    module, extra, key = _PROVIDERS.get(provider, (f"langchain_{provider}", "", ""))
    if find_spec(module) is None:
        what = f"pip install 'interleavethinker[{extra}]'" if extra else f"install {module.replace('_', '-')}"
        return CheckResult(name, False, f"{model} needs a package: {what}")
    if key and not os.environ.get(key):
        return CheckResult(name, False, f"{model} needs the environment variable {key}")
    return CheckResult(name, True, model)


def _generator(profile: Profile) -> CheckResult:
    config = profile.generator
    if config.url is not None:
        return CheckResult("generator", True, f"{config.url} (not asked)")
    if config.model is None:
        return CheckResult("generator", True, " ".join(config.command))
    kind = config.model.partition(":")[0]
    if kind in _IMAGE_KEYS:
        good = bool(os.environ.get(_IMAGE_KEYS[kind]))
        return CheckResult("generator", good, config.model + ("" if good else f" needs {_IMAGE_KEYS[kind]}"))
    if config.model in _OWN_MODELS:
        return CheckResult("generator", True, f"{config.model}, served here")
    return _weights("generator", config.model)


def _weights(name: str, model: str) -> CheckResult:
    try:
        folder = resolve_folder(model)
    except InterleaveError as error:
        return CheckResult(name, False, str(error))
    if Path(folder).is_dir():
        return CheckResult(name, True, model)
    if folder != model or folder.startswith((".", "/")):
        return CheckResult(name, False, f"{model} is not there")
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        cached = {repository.repo_id for repository in scan_cache_dir().repos}
    except CacheNotFound:
        cached = set()
    if model in cached:
        return CheckResult(name, True, f"{model}, downloaded")
    return CheckResult(name, True, f"{model}, not downloaded yet: the first run will (several GB)")
