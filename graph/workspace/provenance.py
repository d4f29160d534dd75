"""Which models and which version of this package a trajectory was created with."""

from importlib.metadata import version

from pydantic import BaseModel, ConfigDict

from interleavethinker.graph.context import Components
from interleavethinker.graph.profiles.profile import Role, load_profile
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.model_catalog import image_model, pinned, without_commit

__all__ = ["Provenance", "provenance_of"]


class Provenance(BaseModel):
    """The models of a trajectory, as its profile named them when it was created. Fields are empty if not recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    planner: str = ""
    """Model or import string of the planner."""
    critic: str = ""
    """Model or import string of the critic, with its adapter."""
    generator: str = ""
    """Model, URL or program of the image generator. An attempt has the exact name that the server reported."""
    package: str = ""
    """Version of this package."""


def provenance_of(profile: str, given: Components | None) -> Provenance:
    """Returns the models of a new trajectory. Reads the profile's file.

    Args:
        profile: A shipped profile's name, or the path of a TOML file. If it cannot be read, only the package's version
            is known.
        given: Components that are used instead of the profile's.
    """
    package = version("interleavethinker")
    if given is not None:
        parts = {"planner": given.planner, "critic": given.critic, "generator": given.generator}
        names = {role: f"{type(part).__module__}:{type(part).__qualname__}" for role, part in parts.items()}
        return Provenance(**names, package=package)
    try:
        loaded = load_profile(profile)
    except ProfileError:
        return Provenance(package=package)
    return Provenance(
        planner=_role(loaded.planner),
        critic=_role(loaded.critic),
        generator=_generator(loaded.generator),
        package=package,
    )


def _role(role: Role) -> str:
    adapter = role.options.get("adapter")
    return (_with_commit(role.model or "") or role.object or "") + (
        f", adapter {adapter}" if isinstance(adapter, str) else ""
    )


def _generator(config: GeneratorConfig) -> str:
    """Returns the model, the URL without what may be a secret in it, or the name of the program."""
    if config.url is not None:
        return config.url.partition("?")[0].rpartition("@")[2]
    return _with_commit(config.model or "") or "".join(config.command[:1])


def _with_commit(model: str) -> str:
    """Returns a model's name with the commit that is loaded, where it is a pinned repository."""
    prefix = OWN_PREFIX if model.startswith(OWN_PREFIX) else ""
    known = image_model(model)
    name, commit = pinned(model.removeprefix(prefix) if known is None else known.target)
    return model if commit is None or without_commit(model) != model else f"{prefix}{name}@{commit}"
