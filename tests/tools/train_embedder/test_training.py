"""From photos to a model file that the product runs, with a network that knows nothing yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenery import jpeg, scene

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("matplotlib")

from train_embedder.__main__ import STOPPED  # noqa: E402
from train_embedder.checkpoint import rate  # noqa: E402
from train_embedder.compute import vectors_of as network_vectors  # noqa: E402
from train_embedder.export import vectors_of  # noqa: E402
from train_embedder.finish import export_run  # noqa: E402
from train_embedder.graph import graph_of  # noqa: E402
from train_embedder.network import Network, read_weights  # noqa: E402
from train_embedder.photos import Album  # noqa: E402
from train_embedder.progress import Curves  # noqa: E402
from train_embedder.recipe import Recipe  # noqa: E402
from train_embedder.run import Origin, pack_once, prepare, train_run  # noqa: E402

from dedupctl.config import ModelConfig  # noqa: E402
from dedupctl.fingerprint.embedder import Embedder  # noqa: E402

RECIPE = Recipe(
    steps=4,
    pictures=4,
    side=64,
    use_side=64,
    dim=8,
    first_block=14,
    queue=16,
    look_alikes=1.0,
    mixup=0.25,
    held_out=0.2,
)


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training") / "photos"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02d}.jpg").write_bytes(jpeg(scene(number, (120, 90))))
    return folder


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that were never trained, scaled to hand signals on; of another dimension than is asked for."""
    torch.manual_seed(1)
    torch.set_num_threads(1)  # the tests beside this one have the other cores
    network = Network(16)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    path = tmp_path_factory.mktemp("start") / "start.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def finished(photos: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    pack_once(run, [photos], tell=silent)
    prepare(run, RECIPE, start, ["Drawn for a test."])
    assert train_run(run, start, "cpu", 0, tell=silent)
    return run


def test_a_run_learns_what_it_was_told_to_and_nothing_below(finished: Path, start: Path) -> None:
    before, after = read_weights(start), read_weights(finished / "weights.pt")
    changed = {
        name
        for name in before
        if name in after and before[name].shape == after[name].shape and not torch.equal(before[name], after[name])
    }
    assert "_blocks.14._project_conv.weight" in changed
    assert "_conv_head.weight" in changed
    assert not any(name.startswith(("_conv_stem", "_blocks.0.", "_blocks.13.")) for name in changed)
    assert not any("running" in name for name in changed)
    assert after["head.weight"].shape == (8, 1280)


def test_a_share_of_the_start_comes_out_where_that_is_asked(
    finished: Path, photos: Path, start: Path, tmp_path: Path
) -> None:
    pack_once(tmp_path, [photos], tell=silent)
    prepare(tmp_path, replace(RECIPE, of_start=0.25), start, [])
    assert train_run(tmp_path, start, "cpu", 0, tell=silent)
    first, learnt, mixed = (read_weights(path) for path in (start, finished / "weights.pt", tmp_path / "weights.pt"))
    name = "_blocks.14._project_conv.weight"
    assert torch.allclose(mixed[name], 0.25 * first[name] + 0.75 * learnt[name], atol=1e-6)
    assert not torch.allclose(mixed[name], learnt[name], atol=1e-6)
    assert mixed.keys() == learnt.keys()


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(
    finished: Path, photos: Path, start: Path, tmp_path: Path
) -> None:
    def stop_after_two(line: str) -> None:
        if line.startswith("step 2/"):
            os.kill(os.getpid(), signal.SIGTERM)

    pack_once(tmp_path, [photos], tell=silent)
    prepare(tmp_path, RECIPE, start, [])
    assert not train_run(tmp_path, start, "cpu", 0, tell=stop_after_two)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 2
    assert train_run(tmp_path, start, "cpu", 1, tell=silent)
    whole, resumed = read_weights(finished / "weights.pt"), read_weights(tmp_path / "weights.pt")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_time_limit_stops_the_command_and_the_processes_it_started_in_good_order(
    photos: Path, start: Path, tmp_path: Path
) -> None:
    options = "--steps 500 --pictures 4 --side 64 --use-side 64 --dim 8 --first-block 16 --workers 2 --weights-only"
    command = [sys.executable, "-m", "tools.train_embedder", "train", photos, "--out", tmp_path, "--start", start]
    repository = Path(__file__).parents[3]
    with subprocess.Popen([*command, *options.split()], cwd=repository, start_new_session=True) as training:
        while not (tmp_path / "curves.csv").exists():
            assert training.poll() is None
            time.sleep(0.05)
        os.killpg(training.pid, signal.SIGTERM)
    assert training.returncode == STOPPED
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] > 0


def test_curves_are_kept_as_a_table_and_a_picture(finished: Path) -> None:
    points = Curves(finished, until=4).points
    assert [point.step for point in points] == [1, 2, 3, 4]
    assert [point.views for point in points] == [8, 16, 24, 32]
    assert all(point.recall is not None and 0 <= point.recall <= 1 for point in points)
    assert [point.step for point in Curves(finished, until=2).points] == [1, 2]
    with Image.open(finished / "curves.png") as drawn:
        assert drawn.width > 500


def test_a_run_is_not_mixed_with_another(finished: Path, photos: Path, start: Path) -> None:
    with pytest.raises(ValueError, match="another recipe: dim was 8, is 16"):
        prepare(finished, replace(RECIPE, dim=16), start, [])
    with pytest.raises(ValueError, match="other weights"):
        prepare(finished, RECIPE, finished / "weights.pt", [])
    with pytest.raises(ValueError, match="other photos"):
        pack_once(finished, [photos.parent], tell=silent)
    pack_once(finished, [], tell=silent)
    prepare(finished, RECIPE, None, [])
    assert Origin.load(finished).statements == ("Drawn for a test.",)


def test_a_new_run_needs_photos(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no photos"):
        pack_once(tmp_path, [], tell=silent)


def test_training_needs_none_of_the_products_libraries() -> None:
    code = "import sys; sys.modules['dedupctl'] = None; import train_embedder.run"
    paths = {"PYTHONPATH": str(Path(__file__).parents[3] / "tools")}
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | paths)


def test_the_graph_computes_what_the_network_does_at_any_size(finished: Path) -> None:
    weights = read_weights(finished / "weights.pt")
    network = Network(8)
    graph = graph_of({name: value.numpy() for name, value in weights.items()}).SerializeToString()
    assert network.take(weights)
    for side in (64, 75, 90):
        picture = np.asarray(scene(3, (side, side)))
        with torch.inference_mode():
            expected = network(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]).numpy()
        assert np.allclose(vectors_of(graph, [picture]), expected, atol=1e-4)


def test_the_exported_file_runs_in_the_product(finished: Path) -> None:
    exported = export_run(finished, RECIPE, Album(finished))
    embedder = Embedder(ModelConfig(path=finished / "model.onnx", input_size=64))
    vectors = embedder.embed([scene(1), scene(2)])
    assert vectors.shape == (2, 8)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert exported.bytes == (finished / "model.onnx").stat().st_size < 5e6
    assert exported.mean_cosine > 0.9


def test_the_exported_file_can_be_trained_further(finished: Path, photos: Path, tmp_path: Path) -> None:
    export_run(finished, RECIPE, Album(finished))
    start, pictures = finished / "model.onnx", [np.asarray(scene(number, (64, 64))) for number in range(4)]
    network = Network(8)
    assert network.take(read_weights(start))
    again = network_vectors(network, pictures, torch.device("cpu"))
    assert np.sum(again * vectors_of(start.read_bytes(), pictures), axis=1).mean() > 0.9
    pack_once(tmp_path, [photos], tell=silent)
    prepare(tmp_path, replace(RECIPE, steps=1), start, [])
    assert train_run(tmp_path, start, "cpu", 0, tell=silent)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not weights of EfficientNet-Lite0"):
        Network(8).take({"layer.weight": torch.zeros(1)})
    onnx.save(onnx.ModelProto(), tmp_path / "empty.onnx")
    with pytest.raises(ValueError, match="holds no model that was exported here"):
        read_weights(tmp_path / "empty.onnx")


def test_the_rate_rises_and_then_falls_to_nothing() -> None:
    rates = [rate(step, 200) for step in range(201)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1
    assert rates[102] == pytest.approx(0.5)
    assert rates[200] == pytest.approx(0, abs=1e-6)
    assert sorted(rates[4:], reverse=True) == rates[4:]


def test_whitening_makes_every_direction_equally_strong() -> None:
    network = Network(4)
    features = torch.randn(64, 1280, generator=torch.Generator().manual_seed(2)) * torch.linspace(3, 0.1, 1280)
    network.start_head(features)
    with torch.inference_mode():
        projected = network.head(features)
    assert torch.allclose(projected.mean(0), torch.zeros(4), atol=1e-3)
    assert torch.allclose(projected.T @ projected / 64, torch.eye(4), atol=1e-2)
