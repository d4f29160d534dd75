"""Ray Data reads exported Parquet files, images included."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from interleavethinker.training.data.parquet import export_parquet

from ..conftest import Made

pytestmark = [
    pytest.mark.skipif("RAY_TESTS" not in os.environ, reason="`make ray-test` starts clusters"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),  # Ray Data warns of its own settings.
]


def test_ray_data_reads_exported_rows_with_their_images(made: Made, tmp_path: Path) -> None:
    import ray

    export_parquet(made.folder, tmp_path / "parquet", ("critic_sft", "scored"), shard_bytes=20_000)
    assert len(list((tmp_path / "parquet" / "scored").glob("train-*.parquet"))) > 1
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        for kind in ("critic_sft", "scored"):
            kept = {row.id: row for row in getattr(made.folder, kind)}
            rows = ray.data.read_parquet(str(tmp_path / "parquet" / kind)).take_all()
            assert {row["id"]: type(kept[row["id"]]).model_validate_json(row["row"]) for row in rows} == kept
            for row in rows:
                case, images = kept[row["id"]].case, row["images"]
                names = [name for name in (case.source, case.image) if name is not None]
                assert [one["bytes"] for one in images] == [made.folder.store.get(name) for name in names]
                assert all(Image.open(io.BytesIO(one["bytes"])).size == (96, 96) for one in images)
    finally:
        ray.shutdown()
