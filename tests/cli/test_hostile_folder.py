"""Running in a folder with Python files of other people: none of them is imported."""

import os
import subprocess
import sys
from pathlib import Path

from interleavethinker.tools.mcp.config import GeneratorConfig

NAMES = ("mcp", "regex", "torch", "PIL", "numpy", "json_repair", "pydantic", "interleavethinker", "logging", "httpx2")


def test_files_of_the_current_folder_are_never_imported(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'a').write({name!r})")
    result = subprocess.run(
        # As the installed program: its own folder is on the path, not the current one.
        [sys.executable, "-P", "-m", "interleavethinker", "run", "a red ball", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False,
        env=os.environ | {"INTERLEAVETHINKER_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert not (tmp_path / "imported").exists(), (tmp_path / "imported").read_text()
    assert result.returncode == 0, result.stderr


def test_only_named_secrets_reach_a_child_process() -> None:
    present = {
        "HF_TOKEN": "1", "HF_HOME": "/models", "INTERLEAVETHINKER_TOKEN": "2", "OPENAI_API_KEY": "3", "MY_KEY": "4",
        "HUGGING_FACE_HUB_TOKEN": "5", "TORCH_SECRET": "6",
    }  # fmt: skip
    other = GeneratorConfig(command=("server",), environment=("MY_KEY",))
    assert other.child_environment(present) == {"HF_HOME": "/models", "MY_KEY": "4"}
    own = GeneratorConfig(model="klein-9b").child_environment(present)
    assert {"HF_TOKEN", "HF_HOME"} <= set(own)
    assert "INTERLEAVETHINKER_TOKEN" not in own
    assert "OPENAI_API_KEY" not in own
    assert "OPENAI_API_KEY" in GeneratorConfig(model="openai:gpt-image-1").child_environment(present)


def test_an_address_with_a_password_reaches_no_server_that_does_not_need_it() -> None:
    workspace = {
        "INTERLEAVETHINKER_WORKSPACE": "postgresql://agent:swordfish@db.example/stories",
        "INTERLEAVETHINKER_IMAGES": "s3://images.example/stories?secret_key=swordfish",
    }
    services = {
        "HF_ENDPOINT": "https://reader:swordfish@weights.example",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://agent:swordfish@traces.example",
    }
    plain = {
        "INTERLEAVETHINKER_HOME": "/stories",
        "HF_HUB_CACHE": "/models",
        "TORCH_HOME": "file:///models?part=1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    present = workspace | services | plain
    other = GeneratorConfig(command=("server",))
    assert other.child_environment(present) == plain
    named = GeneratorConfig(command=("server",), environment=("HF_ENDPOINT",)).child_environment(present)
    assert named["HF_ENDPOINT"] == services["HF_ENDPOINT"]
    assert GeneratorConfig(model="klein").child_environment(present) == services | plain
    broken = {"INTERLEAVETHINKER_WORKSPACE": "postgresql://agent:swordfish@[db/stories"}
    assert other.child_environment(broken) == {}
