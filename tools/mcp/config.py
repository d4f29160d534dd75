"""How to reach an image generator: the `[generator]` section of a profile, as frozen data.

There are three ways. `model` starts this project's image server as a child process, `command` starts any other stdio
server, and `url` connects to a server over HTTP. `tools` maps a third-party server's tool and argument names onto the
`ImageGenerator` protocol; without it, the server must follow this project's contract.

Knows nothing of MCP itself, and nothing of the program behind `IMAGE_SERVER_COMMAND`.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, JsonValue, model_validator

from interleavethinker.tools.folders import default_server_store
from interleavethinker.tools.model_catalog import pinned
from interleavethinker.tools.renamed_fields import with_new_names
from interleavethinker.tools.secrets import holds_secret, is_secret_name
from interleavethinker.tools.strict_numbers import StrictNumbers

__all__ = ["IMAGE_SERVER_COMMAND", "GeneratorConfig", "ToolMapping", "ToolTemplate"]

IMAGE_SERVER_COMMAND = (sys.executable, "-P", "-m", "interleavethinker", "image-server")
"""Starts this project's image server on stdio, in the environment that this process runs in; options follow. `-P` keeps
Python files of the current folder from being imported."""

_FORWARDED_VARIABLES = (
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
"""Environment variables that every child process gets, if they are set."""
_FORWARDED_PREFIXES = ("HF_", "INTERLEAVETHINKER_", "NCCL_", "PYTORCH_", "TORCH_")
_OWN_SECRETS = ("HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN")
"""Secrets that only this project's own image server gets: it downloads weights with them."""
_PROVIDER_KEYS = {
    "gemini": ("GEMINI_API_KEY", "GEMINI_BASE_URL", "GOOGLE_API_KEY"),
    "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
}
"""Variables that only the image server of a hosted model gets, by the provider's name."""


_OLD_NAMES = {
    "connect_seconds": "connect_timeout",
    "deadline": "call_timeout",
    "quiet_seconds": "probe_interval",
    "resends": "max_resends",
}
"""Fields of version 0.1, which people's profiles may still use."""


class _Frozen(StrictNumbers):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolTemplate(_Frozen):
    """One third-party tool: its name, the names of its arguments, and where its answer holds the image."""

    name: str
    prompt: str | None = "prompt"
    """Name of the argument that takes the prompt; None if the tool takes none."""
    seed: str | None = None
    """Name of the argument that takes the seed, if there is one."""
    width: str | None = None
    """Name of the argument that takes the width in pixels, if there is one."""
    height: str | None = None
    """Name of the argument that takes the height in pixels, if there is one."""
    aspect_ratio: str | None = None
    """Name of the argument that takes an aspect ratio such as `16:9`, if there is one."""
    image: str | None = None
    """Name of the argument that takes the source image, for edit tools."""
    image_form: Literal["data_uri", "base64", "list_of_data_uri"] = "data_uri"
    """How the source image is encoded in that argument."""
    references: str | None = None
    """Name of the argument that takes further images to look at, as a list in the form of `image_form`; without one
    they are left out."""
    mask: str | None = None
    """Name of the argument that takes a mask, white where to edit. Without one the tool edits the whole image, of which
    only the masked region is used."""
    fixed: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments with the same value in every call, for example `{"model": "large"}`."""
    result: Literal["auto", "content", "resource", "structured", "text"] = "auto"
    """Where the answer holds the image: in an image block, an embedded or linked resource, the structured content (see
    `field`), or as base64 or a data URI in a text block. `auto` tries them in this order."""
    field: str | None = None
    """Dotted path into the structured content, with list positions as numbers: `images.0.data`."""


class ToolMapping(_Frozen):
    """A third-party server's tools for generating and editing. Calls that need a missing one fail (`unsupported`)."""

    generate: ToolTemplate | None = None
    edit: ToolTemplate | None = None


class GeneratorConfig(_Frozen):
    """How to reach one generator. Exactly one of `model`, `command` and `url` is required."""

    model: str | None = None
    """Model that this project's image server serves: `micro`, a known short name, a folder, a repository or
    `repository@commit`, `openai:…`, `gemini:…`, or an import string such as
    `interleavethinker.microworld:checkpoints/generator`."""
    command: tuple[str, ...] = ()
    """Command line of a stdio server."""
    url: str | None = None
    """Endpoint of a streamable HTTP server."""
    arguments: tuple[str, ...] = ()
    """Further options for this project's image server, as on its command line: `("--max-batch", "1")`."""
    token_variable: str | None = None
    """Name of the environment variable that holds the bearer token for `url`. The token itself is never stored."""
    environment: tuple[str, ...] = ()
    """Names of further environment variables to pass to a child process, for example API keys."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Environment variables to set for a child process. Not for secrets: a profile is saved with its runs."""
    server_store: Path | None = None
    """Folder of the server's image store, if this process can read it; images are then read from there instead of over
    MCP. With `model`, the server is started with this store, by default in its usual folder. With `command` and `url`,
    None means that images come over MCP."""
    tools: ToolMapping | None = None
    """How to use a server that does not follow this project's contract."""
    long_prompts: Literal["refuse", "note"] = "refuse"
    """What happens to a prompt of which the model reads only the beginning: `refuse` makes it an error, which the
    critic answers with a shorter prompt; `note` generates the image, and says so in the record and in the document.
    Only this project's image server notices such prompts."""
    call_timeout: float = Field(default=900.0, gt=0)
    """Most seconds for one call in all, including queueing, restarts and resends."""
    max_resends: int = Field(default=5, ge=0)
    """How often the requests for one image are sent again in all: after their server died, and at most twice after an
    error that may go away. Nobody repeats the call beyond that. Waiting for a busy server does not count."""
    connect_timeout: float = Field(default=60.0, gt=0)
    """Most seconds for starting a server and completing the MCP handshake; its model may load afterwards."""
    probe_interval: float = Field(default=30.0, gt=0)
    """Seconds without progress or answer after which the client checks whether the server still responds."""
    log: Path | None = None
    """File for a child process's stderr. None: this process's stderr if it is a real file, else nowhere."""

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, data: object) -> object:
        return with_new_names(data, _OLD_NAMES)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("model", "command", "url") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"exactly one of model, command and url must be given; found {', '.join(given) or 'none'}")
        if self.url is not None:
            _check_url(self.url)
        if self.arguments and not self.model:
            raise ValueError("arguments belong to model; with command, append them to the command itself")
        if self.tools is not None and self.tools.generate is None and self.tools.edit is None:
            raise ValueError("tools must map generate, edit or both")
        pinned(self.model or "")
        return self

    def command_line(self, image_server: Sequence[str] = IMAGE_SERVER_COMMAND) -> tuple[str, ...]:
        """Returns the command line of the child process to start; empty with `url`.

        Args:
            image_server: Command that starts this project's image server.

        Examples:
            >>> GeneratorConfig(model="micro", server_store=Path("/images")).command_line(["image-server"])
            ('image-server', '--model', 'micro', '--preload', '--store', '/images')
        """
        if self.model is None:
            return self.command
        return (*image_server, "--model", self.model, "--preload", "--store", str(self.shared_store()), *self.arguments)

    def shared_store(self) -> Path | None:
        """Returns the folder of the server's store, if this process can read it."""
        if self.server_store is not None or self.model is None:
            return self.server_store
        return default_server_store()

    def child_environment(self, present: Mapping[str, str]) -> dict[str, str]:
        """Returns the variables a child process gets besides the MCP library's minimum.

        Of secrets, `command` gets only those that `environment` names; this project's image server also gets the token
        for downloading weights, the keys of its hosted model, and the passwords in the addresses of where it downloads
        weights and sends traces. An address of a workspace with a password goes to neither.

        Args:
            present: The variables of this process.
        """
        return {name: present[name] for name in self._forwarded(present) if name in present} | self.variables

    def _forwarded(self, present: Mapping[str, str]) -> Iterator[str]:
        yield from _FORWARDED_VARIABLES
        own = self.model is not None
        for name, value in present.items():
            if name.startswith("OTEL_"):
                # The service's name is this process's. Headers may hold the key of a collector.
                secret = not own and (name.endswith("_HEADERS") or holds_secret(name, value))
                if name != "OTEL_SERVICE_NAME" and not secret:
                    yield name
            elif name.startswith(_FORWARDED_PREFIXES):
                # A mirror of weights may need a password; no image server needs that of a workspace's database.
                mirror = own and name.startswith("HF_")
                if not (is_secret_name(name) if mirror else holds_secret(name, value)):
                    yield name
        yield from self.environment
        if self.model is not None:
            yield from _OWN_SECRETS
            yield from _PROVIDER_KEYS.get(self.model.partition(":")[0], ())


def _check_url(url: str) -> None:
    # The message does not quote the URL, which may hold a password.
    try:
        parts = urlsplit(url)
        valid = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # No address in brackets, or a port above 65535.
        valid = False
    if not valid:
        raise ValueError("url must be the address of an HTTP server, as http://127.0.0.1:8765/mcp")
