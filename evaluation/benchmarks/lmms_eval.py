"""The connection to lmms-eval: the entry point of its model registry, and logs that its model `from_log` replays.

A log has the answers of a finished run, so that lmms-eval's own scoring of a task can be compared with ours. lmms-eval
is imported only when lmms-eval itself asks for the entry point.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interleavethinker.tools.errors import InputError, StoreError
from interleavethinker.tools.structured_text import parse_json

from .registry import BENCHMARKS

__all__ = ["manifest", "write_log"]


def manifest() -> object:
    """Returns what lmms-eval registers as the model `interleavethinker`; its entry point names this function."""
    from lmms_eval.models.registry_v2 import ModelManifest

    path = "interleavethinker.evaluation.benchmarks.lmms_eval_model.InterleaveThinkerModel"
    return ModelManifest("interleavethinker", simple_class_path=path)


def write_log(run: Path, task: str, out: Path) -> Path:
    """Writes a run's answers as a log of an lmms-eval task, and returns the file.

    For a benchmark of one image the log has the last one of an answer, which is the one that this project judges.

    Args:
        run: The folder of a finished run.
        task: The name of the task in lmms-eval, whose documents must be the run's items in the same order.
        out: The folder for the log.

    Raises:
        InputError: The folder has no finished run.
        StoreError: The log cannot be written.
    """
    try:
        answers = parse_json((run / "answers.json").read_text(encoding="utf-8"))
        report = parse_json((run / "report.json").read_text(encoding="utf-8"))
        shown = slice(-1 if BENCHMARKS[report["benchmark"]].one_image else 0, None)
        logs = [{"doc_id": one["position"], "resps": [[_response(one, shown)]]} for one in answers]
        model = f"{report['answers']['source']}, {report['answers']['experiment']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{run} has no finished run of a benchmark.") from error
    log = {
        "args": {"model": "interleavethinker", "model_args": model, "limit": None},
        "model_configs": {"task": task},
        "logs": logs,
    }
    path = out / f"{task}.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(log, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Cannot write the log to {path}: {error.strerror}.") from error
    return path


def _response(answer: dict[str, Any], shown: slice) -> str:
    return json.dumps({"text": answer["text_answer"], "images": answer["image_answer"][shown]}, ensure_ascii=False)
