"""Profiles: TOML files that name the planner, critic, image generator and limits of a trajectory.

A profile names its parts as data (a model's name) or as import strings. Nothing is imported before it is used, and the
graph depends on none of the named modules. Shipped profiles are found by name, all others by the path of their file.
"""

import re
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from pydantic import ConfigDict, Field, JsonValue, ValidationError, model_validator

from interleavethinker.graph.limits import Limits
from interleavethinker.tools.chat.loading import OWN_PREFIX
from interleavethinker.tools.errors import InputError, ProfileError
from interleavethinker.tools.files import read_at_most
from interleavethinker.tools.image_sizes import ImageSize
from interleavethinker.tools.local_extra import LOCAL_LIBRARIES, require_local
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.model_catalog import pinned
from interleavethinker.tools.moved_names import present_name
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.renamed_fields import with_new_names
from interleavethinker.tools.settings import config_folder
from interleavethinker.tools.strict_numbers import StrictNumbers
from interleavethinker.tools.structured_text import parse_toml
from interleavethinker.tools.validation import problems_of, require_type

from .knowledge import Knowledge

__all__ = [
    "Profile",
    "Role",
    "import_object",
    "load_profile",
    "shipped_profiles",
    "source_of",
    "user_profile_path",
    "user_profiles",
]


_MAX_FILE = 2**20
"""Bytes of a profile's file."""
CHECKS = ("structural", "chat", "off")
"""Values of `plan_check` and `document_check` that are no import strings."""


class _Frozen(StrictNumbers):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(_Frozen):
    """A planner, the critic or the checker: a chat model, or any object that implements the protocol."""

    model: str | None = None
    """`qwen3-vl:` with a folder, a repository or `repository@commit`, or `provider:model` for LangChain's
    `init_chat_model`."""
    object: str | None = None
    """Import string of a callable that takes `store=` and the options and returns what implements the protocol."""
    prompts: str | None = None
    """Folder of prompt files that replace the shipped ones: relative to the profile's file, or `package:folder`."""
    max_answers: int = Field(default=3, ge=1, le=10)
    """How many answers a chat model may give until one is usable, including the first."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds for one answer of a chat model. None: 300 for hosted models, no limit for models in this process."""
    max_retries: int = Field(default=20, ge=0)
    """How often a call is repeated that the provider turned down because of a rate limit or overload."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Keyword arguments for the model or the object."""
    checklist: bool = False
    """Whether a critic that is a chat model is asked for its verdict requirement by requirement."""
    comparisons: int = Field(default=0, ge=0, le=30)
    """Most pairs of variants of a step that a critic that is a chat model compares, each in both orders, to choose the
    best one. 0: the most confident one is kept."""
    max_rephrasings: int = Field(default=1, ge=0, le=10)
    """How often a critic that is a chat model is asked again for one attempt after it wrote a prompt that was already
    tried in this step; 0: its prompt is taken all the same."""
    rephrasing_temperature: float | None = Field(default=None, gt=0, le=2)
    """Sampling temperature of these answers to the same question. None: the critic is told which prompts were tried."""
    note: str = ""
    """Shown to the user at every start, for example that this is a scripted baseline."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: Any) -> Any:
        return with_new_names(data, {"questions": "max_answers"})

    @model_validator(mode="after")
    def _check_model_or_object(self) -> Self:
        if (self.model is None) == (self.object is None):
            raise ValueError("give exactly one of model and object")
        if self.model is not None and self.model.startswith(OWN_PREFIX):
            pinned(self.model.removeprefix(OWN_PREFIX))
        return self


class Profile(_Frozen):
    """Everything that a trajectory needs apart from its request."""

    name: str
    source: str
    """Argument with which `load_profile` finds it from any folder: a shipped profile's name, or an absolute path."""
    description: str
    notice: str = ""
    """Information that a user needs before choosing the profile: licenses, costs, hardware."""
    request_check: str | None = None
    """Import string of a function of the request that raises `InputError` if this profile cannot serve it."""
    example: str = "a big red ball on the left, then make it blue"
    """A request that works well with this profile."""
    planner: Role
    critic: Role
    generator: GeneratorConfig
    knowledge: Knowledge | None = None
    """What may be looked up before planning; nothing by default."""
    fallback_planner: Role | None = None
    """Plans where the planner's answers cannot be used or fail the plan check."""
    fallback_critic: Role | None = None
    """Judges where the critic, a chat model, gives no usable answer, or only repeats a prompt that was tried. None: an
    image without a usable answer is marked as not judged."""
    verdict_check: str | None = None
    """Import string of a function of a `CriticInput` and a `Verdict` that raises `ModelAnswerError` if what the critic,
    a chat model, says does not follow from what it was asked: its answer is then not usable."""
    plan_check: str = "structural"
    """Checks each plan before anything is generated: `structural`, `chat` (a chat model, after the structural check),
    `off`, or the import string of a callable that takes `store=` and returns a `PlanCheck`, also after the structural
    one."""
    document_check: str = "structural"
    """Checks the complete document; as `plan_check`, with a `DocumentCheck`."""
    checker: Role | None = None
    """The chat model of `chat` checks; default: the critic's."""
    wish_reader: str | None = None
    """Import string of a callable that takes `store=` and returns a `WishReader`: what the drift guard knows of the
    image model's prompts. None: drift is measured by image statistics alone."""
    image_size: ImageSize | None = None
    """Size (`1024x576`) or aspect ratio (`16:9`) of the images of requests that set none; None: the model's own."""
    reference_words: str | None = None
    """Import string of a function of a named image's PNG bytes and its name that describes what they show, such as "the
    small red cat". For planners and image models that take no reference images: the words take the images' place."""
    prompt_words: int | None = Field(default=None, ge=10)
    """How many words of a prompt the image model reads: planner and critic are told, and asked again if they write
    more. None: they are not told. See also `long_prompts` of the generator."""
    limits: Limits = Field(default_factory=Limits)

    @property
    def roles(self) -> dict[str, Role]:
        """The roles that the profile fills, by the names of their tables."""
        roles = {"planner": self.planner, "critic": self.critic}
        optional = {
            "fallback_planner": self.fallback_planner,
            "fallback_critic": self.fallback_critic,
            "checker": self.checker,
        }
        return roles | {name: role for name, role in optional.items() if role is not None}

    @property
    def import_strings(self) -> tuple[str, ...]:
        """Everything that the profile names by an import string, apart from its request check."""
        roles = (role.object for role in self.roles.values())
        tools = () if self.knowledge is None else self.knowledge.tools
        objects = (
            each
            for each in (*roles, *tools, self.reference_words, self.verdict_check, self.wish_reader)
            if each is not None
        )
        return (*objects, *(check for check in (self.plan_check, self.document_check) if ":" in check))

    @model_validator(mode="after")
    def _check_checks(self) -> Self:
        for field, check in (("plan_check", self.plan_check), ("document_check", self.document_check)):
            if check not in CHECKS and ":" not in check:
                raise ValueError(f"{field} must be one of {', '.join(CHECKS)}, or an import string; got {check!r}")
        for name, role in self.roles.items():
            if role.checklist and (name != "critic" or role.model is None):
                raise ValueError(f"checklist is only for a critic that is a chat model; found it in [{name}]")
            if role.comparisons and (name != "critic" or role.model is None):
                raise ValueError(f"comparisons is only for a critic that is a chat model; found it in [{name}]")
            changed = role.model_dump(exclude_defaults=True).keys()  # A printed profile has every default.
            rephrases = changed & {"max_rephrasings", "rephrasing_temperature"}
            if rephrases and (name != "critic" or role.model is None):
                raise ValueError(f"{min(rephrases)} is only for a critic that is a chat model; found it in [{name}]")
        for field in ("fallback_critic", "verdict_check"):
            if getattr(self, field) is not None and self.critic.model is None:
                raise ValueError(f"{field} is only for a critic that is a chat model")
        if "chat" in {self.plan_check, self.document_check} and (self.checker or self.critic).model is None:
            raise ValueError("a chat check needs a chat model: add [checker] with a model")
        if self.knowledge is not None and (self.knowledge.model or self.planner.model) is None:
            raise ValueError("[knowledge] needs a chat model that calls tools: give it a model")
        if self.knowledge is not None and self.knowledge.mcp is not None and self.knowledge.mcp == self.generator.url:
            raise ValueError("knowledge.mcp is the image server's address; name a server with tools that look facts up")
        return self

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes shown to the user at every start."""
        return tuple(note for note in (self.planner.note, self.critic.note) if note)


def shipped_profiles() -> list[str]:
    """Returns the names of the shipped profiles, sorted."""
    folder = files("interleavethinker.graph") / "profiles"
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


def user_profiles() -> list[str]:
    """Returns the names of the user's own profiles, sorted; those that bear a shipped profile's name cannot be used."""
    names = (path.stem for path in (config_folder() / "profiles").glob("*.toml"))
    return sorted(set(names) - set(shipped_profiles()))


def user_profile_path(name: str) -> Path:
    """Returns the path of the user's own profile of this name, which need not exist.

    Raises:
        ProfileError: This cannot be the name of a profile.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ProfileError(f"A profile's name consists of letters, digits, '_', '-' and '.'; got {name!r}.")
    return config_folder() / "profiles" / f"{name}.toml"


def source_of(profile: str | Path | Profile) -> str:
    """Returns the text by which `load_profile` finds a profile: runs store it, and read the profile again.

    Raises:
        InputError: It is no profile, or one that its file does not have.
    """
    require_type(profile, (str, Path, Profile), "profile", "a profile's name or the path of its TOML file")
    if not isinstance(profile, Profile):
        return str(profile)
    try:
        unchanged = load_profile(profile.source) == profile
    except ProfileError:
        unchanged = False
    if not unchanged:
        raise InputError(
            f"The profile {profile.name!r} differs from what {profile.source} has. Every run reads a profile from its "
            "file: write this one to a TOML file, and give its path."
        )
    return profile.source


def load_profile(name: str | Path) -> Profile:
    """Reads a shipped profile or one of the user's by name, or any profile by the path of its TOML file.

    Args:
        name: Name of a profile, or a path that ends in `.toml`.

    Raises:
        InputError: This is neither a name nor a path.
        ProfileError: The profile does not exist, cannot be read, or is malformed.
    """
    require_type(name, (str, Path), "profile", "a profile's name or the path of its TOML file")
    name = str(name)
    if name.endswith(".toml"):
        return _read(Path(name))
    if name not in shipped_profiles():
        if name in user_profiles():
            return _read(user_profile_path(name))
        own = f" Your profiles: {', '.join(user_profiles())}." if user_profiles() else ""
        raise ProfileError(
            f"Unknown profile {name!r}. Shipped profiles: {', '.join(shipped_profiles())}.{own} For your own profile, "
            "give the path of its .toml file."
        )
    source = files("interleavethinker.graph") / "profiles" / f"{name}.toml"
    return _parse(source.read_text(encoding="utf-8"), name, None)


def import_object(target: str) -> Any:
    """Returns the object that an import string `package.module:attribute` names.

    Raises:
        ProfileError: The module or the attribute cannot be imported.
    """
    module, _, attribute = present_name(target).partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # The module is the user's, and importing it runs it.
        if isinstance(error, ImportError) and error.name in LOCAL_LIBRARIES:
            require_local("Profiles with models on this machine")
        kind = "" if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: "
        raise ProfileError(f"Cannot import {target!r}, named in the profile: {kind}{error}") from error


def _read(path: Path) -> Profile:
    try:
        text = read_at_most(path, _MAX_FILE).decode()
    except InputError as error:
        raise ProfileError(str(error)) from error
    except OSError as error:
        raise ProfileError(f"Cannot read the profile file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"The profile file {path} is not UTF-8: byte {error.start + 1} is invalid.") from error
    return _parse(text, path.stem, path.resolve())


def _parse(text: str, name: str, path: Path | None) -> Profile:
    try:
        data = parse_toml(text)
        profile = Profile.model_validate({"name": name, "source": str(path or name), **data})
    except ValidationError as error:
        raise ProfileError(f"Profile {name!r} is invalid: {problems_of(error)}.") from error
    except ValueError as error:
        raise ProfileError(f"Profile {name!r} is not valid TOML: {error}.") from error
    if path is None:
        return profile
    roles = {
        key: role.model_copy(update={"prompts": str(path.parent / role.prompts)})
        for key, role in profile.roles.items()
        if role.prompts is not None
        and not role.prompts.startswith("/")
        and resolve_folder(role.prompts) == role.prompts
    }
    return profile.model_copy(update=roles)
