"""How to reach an image generator: the `[generator]` section of a profile, as frozen data.

Three ways: `model` starts this project's own image server as a child process, `command` starts anybody's stdio server,
`url` talks to a server over HTTP. With `tools`, a third-party server's own tool and argument names are mapped onto the
`ImageGenerator` port; without it the server is expected to keep this project's contract. Knows nothing of MCP itself.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from interleavethinker.tools.renamed_fields import with_new_names

__all__ = ["GeneratorConfig", "ToolMapping", "ToolTemplate", "default_server_store"]

_PASSED_ON = (
    "ALL_PROXY",
    "CUDA_CACHE_PATH",
    "CUDA_DEVICE_ORDER",
    "CUDA_HOME",
    "CUDA_VISIBLE_DEVICES",
    "CURL_CA_BUNDLE",
    "HIP_VISIBLE_DEVICES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOCALAPPDATA",
    "MKL_NUM_THREADS",
    "NO_PROXY",
    "NVIDIA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONWARNINGS",
    "REQUESTS_CA_BUNDLE",
    "ROCR_VISIBLE_DEVICES",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TRANSFORMERS_CACHE",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "ZE_AFFINITY_MASK",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_PASSED_ON_PREFIXES = ("HF_", "INTERLEAVETHINKER_", "NCCL_", "PYTORCH_", "TORCH_")
_KEYS = {
    "gemini": ("GEMINI_API_KEY", "GEMINI_BASE_URL", "GOOGLE_API_KEY"),
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
}
_OWN_PROGRAM = "from interleavethinker.cli import main; main()"


def default_server_store() -> Path:
    """Returns the folder in which an image server keeps its images unless told otherwise."""
    named = os.environ.get("INTERLEAVETHINKER_IMAGE_STORE")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("interleavethinker") / "image-server"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolTemplate(_Frozen):
    """One third-party tool: its name, what it calls its arguments, and where its answer holds the image."""

    name: str
    prompt: str | None = "prompt"
    """Name of the argument that takes the prompt; None where the tool takes none."""
    seed: str | None = None
    width: str | None = None
    height: str | None = None
    image: str | None = None
    """Name of the argument that takes the source image (edit tools)."""
    image_form: Literal["data_uri", "base64", "list_of_data_uri"] = "data_uri"
    """How the source image is written into that argument."""
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments that are the same in every call, for example `{"model": "large"}`."""
    result: Literal["auto", "content", "resource", "structured", "text"] = "auto"
    """Where the image is: an image block, an embedded or linked resource, a field of the structured content (see
    `field`), or base64 / a data URI in a text block. `auto` tries them in this order."""
    field: str | None = None
    """Dotted path into the structured content, list positions as numbers: `images.0.data`."""


class ToolMapping(_Frozen):
    """A third-party server's tools for the two things a generator does; an absent one is reported as unsupported."""

    generate: ToolTemplate | None = None
    edit: ToolTemplate | None = None


class GeneratorConfig(_Frozen):
    """How to reach one generator. Exactly one of `model`, `command` and `url` must be given."""

    model: str | None = None
    """What this project's own image server shall serve: `micro`, a known short name, a folder, a repository,
    `openai:…`, `gemini:…`, or an import string such as `interleavethinker.microworld:checkpoints/generator`."""
    command: tuple[str, ...] = ()
    """A stdio server's command line."""
    url: str | None = None
    """A streamable HTTP server's endpoint."""
    arguments: tuple[str, ...] = ()
    """Further options for the own server, as on its command line: `("--max-batch", "1")`."""
    token_variable: str | None = None
    """Name of the environment variable that holds the bearer token for `url`; the token itself is never stored."""
    environment: tuple[str, ...] = ()
    """Names of further environment variables that a child process gets, for example keys."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Variables set for a child process. Not for secrets: a profile is saved with its runs."""
    server_store: Path | None = None
    """Folder of the server's image store, if it is on this host: images are then read from there instead of over the
    wire. The own server is told to use it; None means its default folder. For `command` and `url`, None means: wire."""
    tools: ToolMapping | None = None
    """How to use a server that does not keep this project's contract."""
    call_timeout: float = Field(default=900.0, gt=0)
    """Seconds one call may take in all: queueing, restarts and resends included."""
    resends: int = Field(default=5, ge=0)
    """How often a call is sent again after its server died or said that it is busy."""
    connect_seconds: float = Field(default=60.0, gt=0)
    """Seconds for starting a server and shaking hands; a model may load afterwards."""
    quiet_seconds: float = Field(default=30.0, gt=0)
    """A call without news for this long makes the client check whether the server still answers at all."""
    log: Path | None = None
    """File for a child process's stderr; None passes it through where there is a terminal."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        return with_new_names(data, {"deadline": "call_timeout"})

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("model", "command", "url") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"exactly one of model, command and url must be given; found {given or 'none'}")
        if self.arguments and not self.model:
            raise ValueError("arguments belong to model; put them into command instead")
        if self.tools is not None and self.tools.generate is None and self.tools.edit is None:
            raise ValueError("tools must map generate, edit or both")
        return self

    def command_line(self) -> tuple[str, ...]:
        """Returns the child process to start; empty where there is none (`url`)."""
        if self.model is None:
            return self.command
        store = ("--store", str(self.shared_store()))
        return (sys.executable, "-c", _OWN_PROGRAM, "image-server", "--model", self.model, *store, *self.arguments)

    def shared_store(self) -> Path | None:
        """Returns the server's store if this process can read it directly."""
        if self.server_store is not None or self.model is None:
            return self.server_store
        return default_server_store()

    def child_environment(self, present: Mapping[str, str]) -> dict[str, str]:
        """Returns what a child process gets beyond the MCP library's minimum, out of the variables `present` here."""
        return {name: present[name] for name in self._names(present) if name in present} | self.variables

    def _names(self, present: Mapping[str, str]) -> Iterator[str]:
        yield from _PASSED_ON
        yield from (name for name in present if name.startswith(_PASSED_ON_PREFIXES))
        yield from self.environment
        if self.model is not None:
            yield from _KEYS.get(self.model.partition(":")[0], ())
