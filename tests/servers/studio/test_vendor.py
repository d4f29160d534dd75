"""The libraries of the studio's page are those of their packages, unchanged."""

import hashlib
import json
from importlib.resources import files

FOLDER = files("interleavethinker.servers.studio") / "page" / "vendor"


def test_every_file_is_the_recorded_one_and_has_a_license() -> None:
    """`sha256` is that of the file at `path` in the package from npm: for an update, change all of them together."""
    recorded = json.loads((FOLDER / "VERSIONS.json").read_text(encoding="utf-8"))
    found = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.name != "VERSIONS.json"}
    assert set(found) == set(recorded)
    for name, source in recorded.items():
        assert hashlib.sha256(found[name]).hexdigest() == source["sha256"], f"{name} was changed"
        assert f"LICENSE-{source['package']}.txt" in found
