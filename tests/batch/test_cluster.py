"""A Ray cluster of two nodes on this machine: the same files, and nothing lost with a worker."""

import os
import time
from functools import partial

import numpy as np
import psutil
import pytest

from command_line import run_frcrn, write_noise
from frcrn_app import Denoiser
from frcrn_app.audio import Audio, load_audio, save_audio
from frcrn_app.batch import spread_plan
from frcrn_app.errors import UserError
from frcrn_app.evaluation import evaluate_pairs
from frcrn_app.workers import RayCrew
from paths import ROOT
from sets import pairs_of
from workers_that_die import Dying

ray = pytest.importorskip("ray", reason="needs Ray (frcrn-app[cluster])")


def head(node):
    """A cluster of one node. Ray gives it half a minute, too little where much else goes on."""
    from ray.cluster_utils import Cluster

    for attempts_left in (2, 1, 0):
        try:
            return Cluster(initialize_head=True, head_node_args=node)
        except Exception:
            if not attempts_left:
                raise


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two nodes with a core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"  # as if it were installed
    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = head({**node, "include_dashboard": False})
    cluster.add_node(**node)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()
    del os.environ["PYTHONPATH"]


def dying(make, markers, address):
    """A crew of actors that are killed."""
    return RayCrew(partial(Dying, make, markers), address, 2)


def test_two_nodes_make_the_same_files_as_one_process_though_workers_are_killed(
    archive, address, tmp_path
):
    results, facts = spread_plan(
        archive.plan(tmp_path / "out"),
        partial(dying, markers=tmp_path, address=address),
        archive.settings,
        archive.options,
        cut_seconds=archive.cut_seconds,
        ledger=tmp_path / "ledger.jsonl",
    )
    assert facts is not None
    assert facts.device == "cpu"
    assert {"clean", "enhance", "finish"} <= {path.name for path in tmp_path.iterdir()}
    failed = {result.source.name: result.error.code for result in results if result.error}
    assert failed == {"bad.wav": "audio.foreign"}
    assert archive.compare(tmp_path / "out") < 1e-6
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 7


def test_an_evaluation_on_the_cluster_has_the_rows_of_one_on_this_machine(
    archive, address, example_pairs, tmp_path
):
    for paths in example_pairs[:2]:
        for folder, path in zip(("noisy", "clean"), paths, strict=True):
            samples = load_audio(path).samples[:, 16_000:40_000]
            for target in (folder, "other"):
                save_audio(tmp_path / target / f"{paths[1].stem}.wav", Audio(samples, 16_000))
    (tmp_path / "noisy/damaged.wav").write_bytes(b"no sound")
    (tmp_path / "clean/damaged.wav").write_bytes(b"no sound")
    settings = archive.settings
    options = {"metrics": ["stoi", "si_sdr"], "denoiser": settings.denoiser()}
    plain = evaluate_pairs(pairs_of(tmp_path), **options)
    crew = partial(RayCrew, address=address, size=2)
    spread = evaluate_pairs(pairs_of(tmp_path), **options, crew=crew, denoiser_of=settings.denoiser)
    assert isinstance(options["denoiser"], Denoiser)
    assert [row.name for row in spread.rows] == [row.name for row in plain.rows]
    assert [row.problems for row in spread.rows] == [row.problems for row in plain.rows]
    for system in plain.systems:
        for metric in plain.metrics:
            np.testing.assert_allclose(
                spread.values(system, metric), plain.values(system, metric), rtol=1e-5
            )
    assert np.isfinite(spread.real_time_factor())


def test_a_run_whose_last_machine_is_gone_ends_and_says_so(tmp_path, small_weights, monkeypatch):
    """In place of waiting for another one for ever, as Ray does."""
    monkeypatch.setenv("RAY_health_check_period_ms", "300")
    for number in range(40):
        write_noise(tmp_path / "in" / f"{number:02d}.wav", seconds=3)
    options = ["--weights", small_weights, "--ray", "--workers", "1"]
    running = run_frcrn("denoise", "in", "-o", "out", *options, cwd=tmp_path)
    while running.poll() is None and not list(tmp_path.glob("out/*.wav")):
        time.sleep(0.05)
    for process in psutil.Process(running.pid).children(recursive=True):
        if process.name() == "raylet":
            process.kill()
    _, said = running.communicate(timeout=90)
    assert running.returncode == 2, said
    assert "The last machine of the Ray cluster is gone." in said
    assert "Traceback" not in said
    for path in tmp_path.glob("out/*.wav"):
        assert load_audio(path).samples.shape == (1, 48_000)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:one"])
def test_a_cluster_that_does_not_answer_is_told_at_once(address, monkeypatch):
    """Ray itself would try for minutes."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # as the tests above leave it
    with pytest.raises(UserError) as refused:
        RayCrew(lambda *_: None, address)
    assert refused.value.code == "workers.no_cluster"
