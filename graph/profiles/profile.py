"""A profile: which planner, critic and generator a trajectory uses, and its limits, as a TOML file.

A profile names what it needs as data (a model's name) or as an import string, so that nothing it names is imported
before it is used, and the graph depends on none of it. Shipped profiles are found by name, anybody's by path.
"""

import tomllib
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from interleavethinker.graph.limits import Limits
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.moved_names import present_name
from interleavethinker.tools.qwen3vl.inference import resolve_folder

__all__ = ["Profile", "Role", "import_object", "load_profile", "problems_of", "shipped_profiles"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(_Frozen):
    """Who plans, or who judges: a chat model, or any object that implements the port."""

    model: str | None = None
    """`qwen3-vl:PATH-or-repository`, or `provider:model` for LangChain's `init_chat_model`."""
    object: str | None = None
    """Import string of a callable that is given `store=` and the options, and returns the port's implementation."""
    prompts: str | None = None
    """Folder with prompt files that replace the shipped ones: relative to the profile file, or `package:folder`."""
    questions: int = Field(default=3, ge=1, le=10)
    """How often a chat model is asked in all before its unusable answers count as none."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments for the model or the object."""
    note: str = ""
    """Said to the user at every start, for example that this is a stand-in."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.model is None) == (self.object is None):
            raise ValueError("exactly one of model and object must be given")
        return self


class Profile(_Frozen):
    """Everything that a trajectory needs besides its request."""

    name: str
    source: str
    """What `load_profile` finds it by, from any folder: a shipped one's name, or an absolute path."""
    description: str
    notice: str = ""
    """What a user must know before choosing it: licences, costs, hardware."""
    request_check: str | None = None
    """Import string of a function of the request that raises `InputError` where this profile cannot serve it."""
    example: str = "a big red ball on the left, then make it blue"
    """A request that shows the profile well."""
    planner: Role
    critic: Role
    generator: GeneratorConfig
    limits: Limits = Field(default_factory=Limits)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user is told at every start."""
        return tuple(note for note in (self.planner.note, self.critic.note) if note)


def shipped_profiles() -> list[str]:
    """Returns the names of the profiles that come with the package."""
    folder = files("interleavethinker.graph") / "profiles"
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


def load_profile(name: str) -> Profile:
    """Reads a shipped profile by name, or any profile by the path of its TOML file.

    Raises:
        ProfileError: No such profile, or one that is malformed.
    """
    if name.endswith(".toml"):
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ProfileError(f"The profile file {name} must be readable: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise ProfileError(f"The profile file {name} must be UTF-8; byte {error.start + 1} is not.") from error
        return _parse(text, path.stem, path.resolve())
    if name not in shipped_profiles():
        raise ProfileError(
            f"No profile {name!r}. Shipped are {', '.join(shipped_profiles())}; your own is named by its path, "
            "ending in .toml."
        )
    source = files("interleavethinker.graph") / "profiles" / f"{name}.toml"
    return _parse(source.read_text(encoding="utf-8"), name, None)


def import_object(target: str) -> Any:
    """Returns what an import string `package.module:attribute` names.

    Raises:
        ProfileError: It cannot be imported.
    """
    module, _, attribute = present_name(target).partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ProfileError(f"The profile names {target!r}, which cannot be imported: {error}") from error


def problems_of(error: ValidationError) -> str:
    """Returns what a validation found wrong, on one line: where and what, without links to pydantic's pages."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"]))) for problem in error.errors()
    )


def _parse(text: str, name: str, path: Path | None) -> Profile:
    try:
        data = tomllib.loads(text)
        profile = Profile.model_validate({"name": name, "source": str(path or name), **data})
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"Profile {name!r} must be TOML: {error}.") from error
    except ValidationError as error:
        raise ProfileError(f"Profile {name!r} is malformed: {problems_of(error)}.") from error
    if path is None:
        return profile
    roles = {
        key: role.model_copy(update={"prompts": str(path.parent / role.prompts)})
        for key, role in (("planner", profile.planner), ("critic", profile.critic))
        if role.prompts is not None and resolve_folder(role.prompts) == role.prompts
    }
    return profile.model_copy(update=roles)
