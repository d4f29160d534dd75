"""Checks whether this machine has everything a profile needs, without loading a model.

Knows model names, licenses and sizes from the catalog, environment variables, and the Hugging Face cache. It contacts
the servers whose addresses the profile or the environment names, and lists what they have. Deliberately does not know
whether a provider's key is valid, and neither starts the commands nor makes the objects that the profile names.
"""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import get_args

from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model
from interleavethinker.tools.check_result import CheckResult
from interleavethinker.tools.errors import InterleaveError, ProfileError
from interleavethinker.tools.files import is_folder
from interleavethinker.tools.local_extra import install_extra, require_local
from interleavethinker.tools.model_catalog import (
    FAKE_MODELS,
    CatalogModel,
    Offload,
    Quantization,
    image_memory,
    image_model,
    known_model,
    memory_for_weights,
    memory_need,
    pinned,
    quantization_package,
    without_commit,
)
from interleavethinker.tools.qwen3vl.inference import missing_folder, resolve_folder
from interleavethinker.tools.weights import damaged_weights

from .endpoints import ask_endpoint, custom_address
from .named_objects import NamedFunction, NamedObject, named_functions, named_objects
from .named_servers import check_command, check_image_server, check_knowledge, check_variables
from .profile import Profile, Role
from .prompt_checks import check_prompts, weights_problem

__all__ = [
    "check_profile",
    "gpu_memory_need",
    "local_models",
    "models_of_unknown_size",
    "offload_advice",
    "require_local_libraries",
    "require_whole_weights",
]

_OFFLOADS: tuple[Offload, ...] = get_args(Offload)
_ADVISED: tuple[Quantization, ...] = ("bnb-8bit", "bnb-4bit")
_PROVIDERS = {
    "anthropic": ("langchain_anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    "google_genai": ("langchain_google_genai", "google", "GOOGLE_API_KEY"),
    "openai": ("langchain_openai", "openai", "OPENAI_API_KEY"),
}
"""Module, extra of this package, and key of the chat model providers that have an extra."""
_OTHER_PROVIDERS = {
    "azure_openai": "langchain-openai",
    "bedrock_converse": "langchain-aws",
    "cohere": "langchain-cohere",
    "deepseek": "langchain-deepseek",
    "fireworks": "langchain-fireworks",
    "google_vertexai": "langchain-google-vertexai",
    "groq": "langchain-groq",
    "huggingface": "langchain-huggingface",
    "mistralai": "langchain-mistralai",
    "nvidia": "langchain-nvidia-ai-endpoints",
    "ollama": "langchain-ollama",
    "perplexity": "langchain-perplexity",
    "together": "langchain-together",
    "xai": "langchain-xai",
}
"""The other providers of LangChain's `init_chat_model`, and the packages that its documentation names for them. Nothing
else is ever recommended for installation: a package with a guessed or misspelled name may be anybody's."""
_IMAGE_KEYS = {"gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "openai": ("OPENAI_API_KEY",)}
"""For each provider of hosted image models, the environment variables of which one must hold a key."""
_WEIGHTS = {".bin", ".pt", ".safetensors"}
_CHAT_LIBRARIES = ("torch", "transformers")
_IMAGE_LIBRARIES = ("torch", "diffusers")


def check_profile(profile: Profile) -> list[CheckResult]:
    """Returns one result for each role and the generator, and one for the generator's license where known."""
    checks = [_check_role(name, role) for name, role in profile.roles.items()]
    checks += [check for name, role in profile.roles.items() for check in check_prompts(name, role)]
    checks += [_check_named(one) for one in named_objects(profile) if one.place not in profile.roles]
    checks += [_check_named(one) for one in named_functions(profile)]
    checks += check_knowledge(profile.knowledge)
    if profile.knowledge is not None and profile.knowledge.model is not None:
        role = Role(model=profile.knowledge.model, options=profile.knowledge.options)
        checks.append(_check_role("knowledge_model", role))
    checks += [_check_generator(profile), *check_variables(profile.generator)]
    model = image_model(profile.generator.model or "")
    if model is not None:
        checks.append(
            CheckResult("licence", True, f"{_label(model)}: {model.licence_note}", warning=not model.commercial_use)
        )
    return checks


def local_models(profile: Profile) -> set[str]:
    """Returns the names of the models that a profile loads on this machine, the image server's included.

    An alias is replaced by its target, so a model that two roles use is listed once.
    """
    image = _local_image_model(profile)
    return _local_chat_models(profile) | ({image} if image is not None else set())


def require_local_libraries(profile: Profile) -> None:
    """Checks that the libraries of the profile's local models are installed, before anything is started.

    Raises:
        ProfileError: A library is missing; the message names the command that installs it.
    """
    if _local_chat_models(profile):
        require_local("Local models", _CHAT_LIBRARIES)
    if _local_image_model(profile) is not None:
        require_local("Local models", _IMAGE_LIBRARIES)


def require_whole_weights(profile: Profile) -> None:
    """Checks the weights in folders of this machine, before a server or a library fails on them without a name.

    Raises:
        ProfileError: A file is missing, cut off, or in a format that can run code.
    """
    for name in sorted(local_models(profile)):
        try:
            folder = Path(resolve_folder(name))
        except InterleaveError:
            continue  # Whoever loads it says so.
        problem = damaged_weights(folder) if is_folder(folder) else None
        if problem is not None:
            raise ProfileError(f"The model {folder.name} cannot be loaded: {problem}")


def gpu_memory_need(profile: Profile) -> float:
    """Returns the GiB of GPU memory that a profile's models need together; 0 where a CPU is fast enough.

    The catalog knows some models; of others the weights are measured if they are on this machine. An `--offload` and a
    `--quantize` among the generator's arguments are taken into account.
    """
    return _chat_memory(profile) + _image_memory(profile, _offload_of(profile), _quantization_of(profile))


def offload_advice(profile: Profile, memory: float) -> str:
    """Returns which options of the image server make a profile's models fit into a GPU; empty if none does.

    The fastest `--offload` that fits; where that is slow or there is none, also the most exact `--quantize`, which
    changes the images.

    Args:
        profile: The profile.
        memory: GiB of the GPU that are free for its models.
    """
    offload = _first_that_fits(profile, memory, [(each, _quantization_of(profile)) for each in _OFFLOADS[1:]])
    quantized = ""
    if not offload or '"sequential"' in offload:
        offered = [(each, quantize) for quantize in _ADVISED for each in _OFFLOADS[:2]]
        quantized = _first_that_fits(profile, memory, offered)
    if not offload:
        return f"{quantized}; images differ from those of the full weights" if quantized else ""
    slower = f"{offload}; images take longer"
    return f"{slower}. Faster, with other images: {quantized}" if quantized else slower


def _first_that_fits(profile: Profile, memory: float, offered: Sequence[tuple[Offload, Quantization]]) -> str:
    for offload, quantize in offered:
        needed = _chat_memory(profile) + _image_memory(profile, offload, quantize)
        if needed < gpu_memory_need(profile) and needed <= memory:
            chosen = {"--quantize": quantize, "--offload": offload}
            arguments = ", ".join(f'"{flag}", "{value}"' for flag, value in chosen.items() if value != "none")
            return f"with arguments = [{arguments}] in [generator], about {needed:.0f} GiB are enough (estimated)"
    return ""


def _offload_of(profile: Profile) -> Offload:
    return next((offload for offload in _OFFLOADS if offload in _values_of(profile, "--offload")), "none")


def _quantization_of(profile: Profile) -> Quantization:
    named = _values_of(profile, "--quantize")
    return next((quantize for quantize in get_args(Quantization) if quantize in named), "none")


def _values_of(profile: Profile, option: str) -> list[str]:
    arguments = profile.generator.arguments
    named = [value for flag, value in pairwise(arguments) if flag == option]
    return named + [each.removeprefix(f"{option}=") for each in arguments if each.startswith(f"{option}=")]


def _chat_memory(profile: Profile) -> float:
    return sum(_memory_of(name) or 0.0 for name in _local_chat_models(profile))


def _image_memory(profile: Profile, offload: Offload, quantize: Quantization) -> float:
    image = _local_image_model(profile)
    if image is None:
        return 0.0
    known = image_memory(image, offload, quantize)
    return (_memory_of(image) or 0.0) if known is None else known


def models_of_unknown_size(profile: Profile) -> list[str]:
    """Returns the profile's local models that neither the catalog knows nor this machine has."""
    return sorted(name for name in local_models(profile) if _memory_of(name) is None)


def _memory_of(name: str) -> float | None:
    known = memory_need(name)
    if known is not None:
        return known
    try:
        folder = Path(resolve_folder(name))
    except InterleaveError:
        return None
    if is_folder(folder):
        files = (path for path in folder.rglob("*") if path.suffix in _WEIGHTS and path.is_file())
        return memory_for_weights(sum(path.stat().st_size for path in files) / 1e9)
    size = _downloaded().get(without_commit(name))
    return None if size is None else memory_for_weights(size / 1e9)


def _local_chat_models(profile: Profile) -> set[str]:
    models = (role.model for role in profile.roles.values())
    return {model.removeprefix(OWN_PREFIX) for model in models if model is not None and model.startswith(OWN_PREFIX)}


def _local_image_model(profile: Profile) -> str | None:
    name = profile.generator.model
    if name is None or name in FAKE_MODELS or name.partition(":")[0] in _IMAGE_KEYS:
        return None
    known = image_model(name)
    return name if known is None or without_commit(name) != name else known.target


def _check_named(named: NamedObject | NamedFunction, note: str = "") -> CheckResult:
    name = named.place.replace("_", " ")
    try:
        if isinstance(named, NamedObject):
            named.factory()
        else:
            named.function()
    except InterleaveError as error:
        return CheckResult(name, False, str(error))
    return CheckResult(name, True, note or named.target)


def _check_role(place: str, role: Role) -> CheckResult:
    if role.object is not None:
        return _check_named(NamedObject(place, role.object, role.options), role.note)
    name = place.replace("_", " ")
    model = role.model or ""
    if model.startswith(OWN_PREFIX):
        try:
            load_chat_model(model, **role.options)  # Loads no weights.
        except InterleaveError as error:
            return CheckResult(name, False, str(error))
        return _check_weights(name, model.removeprefix(OWN_PREFIX), _CHAT_LIBRARIES)
    return _check_hosted(name, model, role.options)


def _check_hosted(name: str, model: str, options: Mapping[str, object]) -> CheckResult:
    """Checks a model of a LangChain provider. Whether the provider has such a model is not asked, and the result says
    so.
    """
    provider, colon, _ = model.partition(":")
    known = sorted([*_PROVIDERS, *_OTHER_PROVIDERS])
    if not colon or provider not in known:
        near = get_close_matches(provider, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known providers: {', '.join(known)}"
        if colon and provider.isidentifier() and find_spec(f"langchain_{provider}") is not None:
            return CheckResult(name, True, f"{model}: not checked, the provider is not known here", warning=True)
        return CheckResult(name, False, f"{model}: unknown provider {provider!r}; {hint}")
    if provider in _OTHER_PROVIDERS:
        package = _OTHER_PROVIDERS[provider]
        if find_spec(package.replace("-", "_")) is None:
            return CheckResult(name, False, f"{model} needs {package}, which is not installed: pip install {package}")
        return CheckResult(name, True, f"{model} (neither key nor model checked)", warning=True)
    module, extra, key = _PROVIDERS[provider]
    if find_spec(module) is None:
        package = module.replace("_", "-")
        return CheckResult(name, False, f"{model} needs {package}, which is not installed: {install_extra(extra)}")
    if not os.environ.get(key) and "api_key" not in options:
        return CheckResult(name, False, f"{model} needs the environment variable {key}")
    address = custom_address(options) if provider == "openai" else None
    if address is not None:
        given = options.get("api_key")
        secret = given if isinstance(given, str) else os.environ.get(key, "")
        return ask_endpoint(name, model.partition(":")[2], address, secret)
    return CheckResult(name, True, f"{model} (key found; the provider was not asked for the model)")


def _check_generator(profile: Profile) -> CheckResult:
    config = profile.generator
    if config.url is not None:
        return check_image_server(config)
    if config.model is None:
        return check_command(config)
    provider = config.model.partition(":")[0]
    if provider in _IMAGE_KEYS:
        keys = _IMAGE_KEYS[provider]
        secret = next(filter(None, map(os.environ.get, keys)), None)
        address = custom_address({}) if provider == "openai" else None
        if secret is not None and address is not None:
            return ask_endpoint("generator", config.model.partition(":")[2], address, secret)
        if secret is not None:
            return CheckResult("generator", True, config.model)
        needed = f"needs the environment variable {' or '.join(keys)}"
        return CheckResult("generator", False, f"{config.model} {needed}")
    if config.model in FAKE_MODELS:
        return CheckResult("generator", True, f"{config.model}: colored cells, no model")
    package = quantization_package(_quantization_of(profile))
    if package is not None and find_spec(package) is None:
        missing = f"--quantize needs {package}, which is not installed: pip install {package}"
        return CheckResult("generator", False, f"{config.model}: {missing}")
    return _check_weights("generator", config.model, _IMAGE_LIBRARIES)


def _check_weights(name: str, model: str, libraries: tuple[str, ...]) -> CheckResult:
    """Checks weights that this machine loads: a short name, a folder, an import string or a repository."""
    known = known_model(model)
    target = model if known is None or without_commit(model) != model else known.target
    label = model if known is None else _label(known)
    try:
        require_local("Local models", libraries)
        folder = resolve_folder(target)
        repository, commit = pinned(folder)
    except InterleaveError as error:
        return CheckResult(name, False, str(error))
    if is_folder(folder):
        problem = damaged_weights(Path(folder))
        if problem is None and libraries == _CHAT_LIBRARIES:
            problem = weights_problem(Path(folder))
        return CheckResult(name, problem is None, label if problem is None else f"{label}: {problem}")
    if folder != target or missing_folder(folder):
        return CheckResult(name, False, f"{model} was not found: there is no folder {folder}")
    unpinned = "" if commit is not None else f"; not pinned to a commit: name it {repository}@COMMIT"
    repositories = (repository,) if known is None else known.repositories
    if _downloaded().keys() >= set(repositories):
        return CheckResult(name, True, f"{label}, downloaded{unpinned}", warning=bool(unpinned))
    size = "several GB" if known is None else f"about {known.download_gb:g} GB"
    found = f"{label}, not downloaded yet: the first run downloads {size}{unpinned}"
    return CheckResult(name, True, found, warning=bool(unpinned))


def _downloaded() -> dict[str, int]:
    """Returns the repositories in this user's Hugging Face cache with their sizes in bytes; of pinned ones those of
    which the commit is there.
    """
    try:
        from huggingface_hub import constants, scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ImportError:
        return {}
    try:
        found = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        return {}
    return {
        repository.repo_id: repository.size_on_disk
        for repository in found
        if pinned(repository.repo_id)[1] in {None, *(revision.commit_hash for revision in repository.revisions)}
    }


def _label(model: CatalogModel) -> str:
    return model.target if model.alias is None else f"{model.alias} ({model.target})"
