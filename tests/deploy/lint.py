"""Checks a folder's manifests against the schemas of Kubernetes and the Compose Specification; prints the faults.

Runs in an environment of its own, since the schemas have 130 MB: `make deploy-test`. Works offline.
"""

import re
import sys
from pathlib import Path

import yaml
from compose_spec import PyOptions
from kubernetes_validate import validate

KUBERNETES = "1.34"


def main(folder: Path) -> int:
    """Returns the number of faults in `compose*.yaml` and `kubernetes/*.yaml` of a folder."""
    faults = []
    for path in sorted(folder.glob("compose*.yaml")):
        options = PyOptions()
        options.apply_merge = True
        try:
            options.from_yaml(_interpolated(path.read_text(encoding="utf-8")))
        except ValueError as error:
            faults.append(f"{path.name}: {error}")
    for path in sorted(folder.glob("kubernetes/*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            try:
                validate(document, KUBERNETES, strict=True)
            except Exception as error:  # noqa: BLE001 - the library has a tree of its own for each kind of fault
                faults.append(f"{path.name}: {document['kind']}: {(str(error) or repr(error)).splitlines()[0]}")
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return len(faults)


def _interpolated(text: str) -> str:
    """Replaces variables as Compose does: by their default, or where one is required, by a word."""
    return re.sub(r"\$\{\w+:(?:-([^}]*)|\?[^}]*)\}", lambda found: found[1] or "given", text)


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]))))
