"""The demo over its network interface: what programs and hostile visitors meet."""

import hashlib
import http.server
import io
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from paths import ROOT

from frcrn_app.audio import Audio, load_audio, save_audio
from frcrn_app.errors import Cancelled, CheckpointError
from frcrn_app.metrics import si_sdr
from frcrn_app.web.options import WebOptions, parse_options

API_TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MAX_SECONDS = 20.0  # that the fixture `demo` takes
USER = ("ada", "secret word")


def documented(language: str) -> str:
    """The example of docs/api.md in a language."""
    return re.search(rf"```{language}\n(.*?)```", API_TEXT, re.DOTALL)[1]


@pytest.fixture(scope="module")
def client(demo):
    from gradio_client import Client

    return Client(demo.address, verbose=False)


def denoise(client, path, **settings):
    from gradio_client import handle_file

    return client.predict(handle_file(path), api_name="/denoise", **settings)


def sentence_of(client, path, **settings) -> str:
    """What a visitor reads when a request is refused."""
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError) as refused:
        denoise(client, path, **settings)
    return str(refused.value)


# What it is for


def test_a_noisy_example_comes_back_clean(client, example_pairs):
    noisy_path, clean_path = example_pairs[0]
    cleaned_path, facts = denoise(client, noisy_path)
    noisy, clean, cleaned = (load_audio(p) for p in (noisy_path, clean_path, cleaned_path))
    assert cleaned.samples.shape == noisy.samples.shape
    assert cleaned.sample_rate == noisy.sample_rate
    assert Path(cleaned_path).name == f"{noisy_path.stem}_denoised{noisy_path.suffix}"
    gained = si_sdr(clean.samples[0], cleaned.samples[0]) - si_sdr(
        clean.samples[0], noisy.samples[0]
    )
    assert gained > 2
    assert facts["seconds"] == pytest.approx(noisy.duration, abs=1e-3)
    assert facts["real_time_factor"] > 0
    assert all(facts[name] for name in ("weights", "licence", "device", "precision"))


def test_strength_zero_gives_the_recording_back(client, noisy_speech, tmp_path):
    recording = save_audio(tmp_path / "talk.wav", noisy_speech, format="wav16")
    cleaned_path, _ = denoise(client, recording, strength=0)
    assert np.array_equal(load_audio(cleaned_path).samples, load_audio(recording).samples)


@pytest.mark.parametrize(
    ("output_format", "suffix", "subtype"),
    [("wav16", ".wav", "PCM_16"), ("wav-float", ".wav", "FLOAT"), ("flac", ".flac", "PCM_16")],
)
def test_the_format_can_be_chosen(client, speech, tmp_path, output_format, suffix, subtype):
    second = speech.with_samples(speech.samples[:, :16_000])
    recording = save_audio(tmp_path / "talk.wav", second, format="wav16")
    cleaned_path, _ = denoise(client, recording, output_format=output_format)
    assert Path(cleaned_path).name == f"talk_denoised{suffix}"
    assert soundfile.info(cleaned_path).subtype == subtype


def test_the_documented_python_works(demo, example_pairs, tmp_path):
    noisy = load_audio(example_pairs[0][0])
    save_audio(tmp_path / "noisy.wav", noisy, format="wav16")
    program = documented("python").replace("http://127.0.0.1:7860", demo.address)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=60)
    assert load_audio(tmp_path / "cleaned.wav").samples.shape == noisy.samples.shape


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_documented_curl_works(demo, example_pairs, tmp_path):
    noisy = load_audio(example_pairs[0][0])
    save_audio(tmp_path / "noisy.wav", noisy, format="wav16")
    script = documented("bash").replace("http://127.0.0.1:7860", demo.address)
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True, timeout=60)
    assert load_audio(tmp_path / "cleaned.wav").samples.shape == noisy.samples.shape


def test_several_visitors_at_once_all_get_their_own_sound(client, example_clips):
    from gradio_client import handle_file

    jobs = [client.submit(handle_file(clip), api_name="/denoise") for clip in example_clips[:4]]
    for clip, job in zip(example_clips, jobs, strict=False):
        cleaned_path, _ = job.result(timeout=60)
        assert load_audio(cleaned_path).samples.shape == load_audio(clip).samples.shape


def test_waiting_sounds_of_one_length_run_as_one_batch(noisy_speech):
    """Where the device takes several windows at once, as a GPU does; results are each one's own."""
    from frcrn_app.web.engine import Engine

    engine = Engine(WebOptions())
    denoiser = engine.get()
    denoiser.batch_size = 4
    sizes, run = [], denoiser._run
    busy, hold = threading.Event(), threading.Event()

    def slow(windows):
        sizes.append(len(windows))
        busy.set()
        hold.wait(20)
        return run(windows)

    denoiser._run = slow
    length = 32_000
    sounds = [
        Audio(noisy_speech.samples[:, start : start + length], 16_000)
        for start in range(0, 5 * 8_000, 8_000)
    ]
    jobs = [engine.submit(sounds[0])]
    assert busy.wait(20)
    jobs += [engine.submit(sound) for sound in sounds[1:]]  # wait while the first is under way
    hold.set()
    results = [job.result().samples for job in jobs]
    assert sizes == [1, 4]
    denoiser.batch_size, denoiser._run = 1, run
    for sound, result in zip(sounds, results, strict=True):
        expected = denoiser(sound).samples
        assert np.sqrt(np.mean((result - expected) ** 2)) < 0.02 * np.std(expected)
    assert engine.close()


# Bad input


def test_bad_files_get_one_sentence(client, tmp_path):
    bad = {
        "empty.wav": b"",
        "picture.wav": b"\x89PNG\r\n\x1a\n" + bytes(800),
        "bytes.mp3": bytes(range(256)) * 30,
    }
    for name, content in bad.items():
        path = tmp_path / name
        path.write_bytes(content)
        sentence = sentence_of(client, path)
        assert name in sentence
        assert "reference" not in sentence  # it is not a fault of the program
        assert str(tmp_path) not in sentence
    path = tmp_path / "nan.wav"
    samples = np.zeros(4000, np.float32)
    samples[17] = np.nan
    soundfile.write(path, samples, 16_000, "FLOAT")
    assert "NaN" in sentence_of(client, path)


def test_a_truncated_file_gets_one_sentence(client, noisy_speech, tmp_path):
    whole = save_audio(tmp_path / "whole.flac", noisy_speech, format="flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    assert "cut off" in sentence_of(client, tmp_path / "cut.flac")


def test_too_long_a_sound_is_refused_with_the_limit(client, tmp_path):
    silence = Audio(np.zeros((1, int((MAX_SECONDS + 1) * 16_000)), np.float32), 16_000)
    path = save_audio(tmp_path / "long.wav", silence, format="wav16")
    assert f"{MAX_SECONDS:g} s" in sentence_of(client, path)


def test_settings_that_cannot_be_are_refused(client, example_clips):
    assert "from 0 to 1" in sentence_of(client, example_clips[0], strength=1.5)
    assert "mp5" in sentence_of(client, example_clips[0], output_format="mp5")


def test_weights_are_chosen_by_name_and_never_by_path(client, example_clips, tmp_path):
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes(b"not for visitors")
    for wish in (str(secret), "../../etc/passwd", "no-such-weights"):
        sentence = sentence_of(client, example_clips[0], weights=wish)
        assert sentence.startswith("No weights are called")


def test_weights_that_are_not_here_are_said_without_a_path(client, demo, example_clips):
    missing = [entry.name for entry in demo.engine.weights() if not entry.present]
    for name in missing:
        sentence = sentence_of(client, example_clips[0], weights=name)
        assert name in sentence
        assert str(ROOT) not in sentence


def test_a_sentence_cannot_carry_markup(client, tmp_path):
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFF")
    sentence = sentence_of(client, path, weights="<img src=x onerror=alert(1)>")
    assert "<img" not in sentence


def test_an_unknown_fault_names_a_reference_and_is_logged(
    client, demo, example_clips, monkeypatch, caplog
):
    def broken(*_, **__):
        raise RuntimeError("the disk /secret/place is on fire")

    monkeypatch.setattr(demo.engine, "submit", broken)
    with caplog.at_level(logging.ERROR):
        sentence = sentence_of(client, example_clips[0])
    reference = re.search(r"reference ([0-9a-f]{6})", sentence)[1]
    assert "secret" not in sentence
    logged = next(record for record in caplog.records if reference in record.getMessage())
    assert "on fire" in str(logged.exc_info[1])


# The menu of weights


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine with small weights under an official name, and nothing fetched yet."""
    import torch

    from frcrn_app.model import FRCRN, FRCRNConfig
    from frcrn_app.weights import OFFICIAL

    stored = io.BytesIO()
    torch.save(FRCRN(FRCRNConfig(channels=8)).state_dict(), stored)
    content = stored.getvalue()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    official = replace(
        OFFICIAL["frcrn-16k"],
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    monkeypatch.setitem(OFFICIAL, official.name, official)
    monkeypatch.delitem(OFFICIAL, "frcrn-se-16k")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("FRCRN_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield official
    server.shutdown()


def test_choosing_official_weights_fetches_them_and_puts_them_to_work(engine, hub):
    from frcrn_app.web.weights_menu import choices, choose

    options = WebOptions()
    embedded = engine.at_work().name
    assert hub.name in {name for _, name in choices(options, engine)}
    shown = list(choose(options, engine, hub.name))
    assert 'role="progressbar"' in shown[0][1]
    menu, note = shown[-1]
    assert menu["value"] == hub.name
    assert hub.licence in note
    assert engine.at_work().name == hub.name != embedded  # the better weights are used from now on
    assert engine.get("auto").entry.name == hub.name


def test_where_fetching_is_not_allowed_nothing_is_fetched(engine, hub, tmp_path):
    from frcrn_app.web.weights_menu import choices, choose

    options = WebOptions(host="0.0.0.0", allow_fetch=False)
    assert hub.name not in {name for _, name in choices(options, engine)}
    menu, note = list(choose(options, engine, hub.name))[-1]
    assert menu["value"] == "auto"
    assert "may not be fetched" in note
    assert not hub.path_in(tmp_path).exists()


# Hostile visitors


@pytest.mark.parametrize(
    "path", ["/etc/passwd", str(ROOT / "app.py"), str(ROOT / "weights" / "frcrn-small.safetensors")]
)
def test_files_of_the_server_are_not_served(demo, path):
    for url in (f"/gradio_api/file={path}", f"/file={path}"):
        assert httpx.get(demo.address + url).status_code in (403, 404)


def test_files_of_the_server_are_not_read(demo):
    sound = {"path": str(ROOT / "README.md"), "meta": {"_type": "gradio.FileData"}}
    answer = _call(demo, [sound, 1.0, "auto", "same"])
    assert "event: error" in answer
    assert str(ROOT) not in answer.replace(sound["path"], "")


def test_only_the_documented_endpoints_are_open(demo, client):
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == {"/denoise", "/evaluate"}
    assert httpx.get(f"{demo.address}/monitoring").status_code in (403, 404)


def test_uploads_have_a_limit(demo):
    limit = WebOptions(max_seconds=MAX_SECONDS).max_upload_bytes
    with httpx.Client(timeout=60) as visitor:
        files = {"files": ("huge.wav", bytes(limit + 1))}
        assert visitor.post(f"{demo.address}/gradio_api/upload", files=files).status_code == 413


def test_the_page_names_no_path_of_the_server(demo):
    config = httpx.get(f"{demo.address}/config").text
    page = httpx.get(demo.address).text
    for text in (config, page):
        assert str(ROOT) not in text
        assert str(Path.home()) + "/" not in text


def test_the_page_needs_nothing_from_other_hosts(demo):
    config = httpx.get(f"{demo.address}/config").json()
    assert config.get("stylesheets", []) == []
    theme = httpx.get(f"{demo.address}/theme.css").text
    assert not re.findall(r"@import|url\(['\"]?https?:", theme)


def _call(demo, arguments: list) -> str:
    """The whole answer of the endpoint, as curl shows it."""
    call = f"{demo.address}/gradio_api/call/denoise"
    event = httpx.post(call, json={"data": arguments}).json()["event_id"]
    return httpx.get(f"{call}/{event}", timeout=60).text


# The engine


@pytest.fixture
def engine():
    from frcrn_app.web.engine import Engine

    engine = Engine(WebOptions())
    yield engine
    engine.close()


def test_the_network_is_loaded_once_and_shared(engine):
    assert engine.get() is engine.get("auto") is engine.get(engine.at_work().name)


def test_waiting_jobs_run_in_order_and_can_be_cancelled(engine, noisy_speech):
    long = noisy_speech.with_samples(np.tile(noisy_speech.samples, (1, 12)))
    finished = []
    first = engine.submit(long, progress=lambda done, total: None)
    second = engine.submit(noisy_speech, progress=lambda *_: finished.append("second"))
    third = engine.submit(noisy_speech)
    assert engine.ahead_of(third) == 2
    second.cancel()
    first.cancel()
    for cancelled in (first, second):
        with pytest.raises(Cancelled):
            cancelled.result()
    assert third.result().samples.shape == noisy_speech.samples.shape
    assert finished == []
    assert engine.ahead_of(third) == 0


def test_a_failing_job_does_not_stop_the_next(engine, noisy_speech):
    def refuse(done: int, total: int) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        engine.run(noisy_speech, progress=refuse)
    assert engine.run(noisy_speech).samples.shape == noisy_speech.samples.shape


def test_weights_started_with_are_offered_by_name_alone(tmp_path):
    from frcrn_app.web.engine import Engine
    from frcrn_app.weights import EMBEDDED_FOLDER

    own = tmp_path / "mine.safetensors"
    shutil.copy(next(EMBEDDED_FOLDER.glob("*.safetensors")), own)
    engine = Engine(WebOptions(weights=str(own)))
    assert engine.at_work().name == engine.weights()[0].name == "mine"
    assert engine.get("mine") is engine.get("auto")
    with pytest.raises(CheckpointError):
        engine.get(str(own))
    engine.close()


# Facts


def test_noise_reduction_is_the_fall_of_level_in_the_pauses(speech, make_tone):
    from frcrn_app.web.facts import MAX_REDUCTION_DB, noise_reduction_db

    rng = np.random.default_rng(0)
    noise = 0.02 * rng.standard_normal((1, 48_000)).astype(np.float32)
    voice = np.zeros_like(noise)
    voice[:, 8_000:40_000] = make_tone(2.0).samples[:, :32_000]
    reduction = noise_reduction_db(voice + noise, voice + 0.1 * noise, 16_000)
    assert reduction == pytest.approx(20, abs=0.5)
    assert noise_reduction_db(voice + noise, voice, 16_000) == MAX_REDUCTION_DB
    assert noise_reduction_db(voice, voice, 16_000) is None


def test_spectrograms_share_one_scale(make_tone, tmp_path):
    from PIL import Image

    from frcrn_app.web.figures import COLUMNS, ROWS, save_spectrograms

    loud = make_tone(2.0, frequency=2000).samples
    pair = save_spectrograms(loud, 0.01 * loud, 16_000, tmp_path)
    pictures = [
        np.asarray(Image.open(path).convert("L"), float) for path in (pair.original, pair.cleaned)
    ]
    assert all(picture.shape == (ROWS, COLUMNS) for picture in pictures)
    row = ROWS - round(ROWS * 2000 / pair.top_hz)
    loudest = [int(picture.mean(axis=1).argmax()) for picture in pictures]
    assert all(abs(found - row) <= 3 for found in loudest)
    assert pictures[0].max() > pictures[1].max() + 30  # 40 dB less is much darker
    assert pair.top_dbfs == pytest.approx(20 * np.log10(0.5), abs=0.5)


# The front door


@pytest.fixture
def environment(monkeypatch):
    """A function that leaves no FRCRN_* variables but those it is given."""

    def only(**variables: str) -> None:
        for name in [name for name in os.environ if name.startswith("FRCRN_")]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    only()
    return only


def test_options_from_the_command_line_and_the_environment(tmp_path, environment):
    users = tmp_path / "users.txt"
    users.write_text("ada:secret word\n# a comment\ngrace:a:b\n")
    assert parse_options([]).allow_fetch
    assert not parse_options(["--share"]).allow_fetch
    environment(FRCRN_PORT="8123", FRCRN_HOST="0.0.0.0", FRCRN_AUTH=str(users))
    options = parse_options(["--port", "9000"])
    assert (options.host, options.port) == ("0.0.0.0", 9000)
    assert options.auth == (USER, ("grace", "a:b"))
    assert not options.allow_fetch  # reachable from elsewhere: not unless it is said
    assert parse_options(["--allow-fetch"]).allow_fetch
    environment(FRCRN_ALLOW_FETCH="0", FRCRN_LOCAL_FOLDERS=str(tmp_path))
    assert not parse_options([]).allow_fetch
    assert parse_options([]).local_folders == (tmp_path,)


@pytest.mark.parametrize(
    ("argv", "variables", "words"),
    [
        (["--port", "99999"], {}, "65535"),
        (["--max-seconds", "0"], {}, "more than 0"),
        (["--auth", "nobody"], {}, "USER:PASS"),
        (["--ssl-certfile", str(ROOT / "app.py")], {}, "both"),
        (["--ssl-keyfile", "key.pem"], {}, "no file key.pem"),
        (["--local-folders", "/no/such/folder"], {}, "no folder"),
        ([], {"FRCRN_PORT": "many"}, "FRCRN_PORT"),
        ([], {"FRCRN_SHARE": "perhaps"}, "FRCRN_SHARE"),
        ([], {"FRCRN_PRECISION": "int3"}, "int3"),
    ],
)
def test_options_that_cannot_be_used_are_said(argv, variables, words, environment, capsys):
    environment(**variables)
    with pytest.raises(SystemExit) as stopped:
        parse_options(argv)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_the_front_door_serves_asks_for_a_log_in_and_leaves_nothing_behind(tmp_path):
    demo = _start("--auth", ":".join(USER), "--port", str(_free_port()), TMPDIR=str(tmp_path))
    try:
        address = _address_of(demo)
        assert httpx.get(f"{address}/config").status_code == 401
        with httpx.Client() as visitor:
            form = {"username": USER[0], "password": USER[1]}
            assert visitor.post(f"{address}/login", data=form).status_code == 200
            assert visitor.get(f"{address}/config").status_code == 200
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=30)
        assert demo.returncode in (0, 130)
        assert "Traceback" not in out + err
        assert list(tmp_path.glob("frcrn-demo-*")) == []
    finally:
        demo.kill()


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = _start("--port", str(taken.getsockname()[1]))
        _, err = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert err.startswith("error: port")
    assert "Traceback" not in err


def test_help_does_not_wait_for_the_network():
    program = (
        "import sys; sys.argv = ['app.py', '--help']\n"
        "import runpy\n"
        "try: runpy.run_path('app.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'gradio', 'numpy'} & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    options = "--host --port --share --auth --weights --device --precision --max-seconds"
    for option in [*options.split(), "--ssl-certfile", "--ssl-keyfile", "--allow-fetch"]:
        assert option in result.stdout


def _start(*arguments: str, **variables: str) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FRCRN_", "GRADIO_"))}
    return subprocess.Popen(
        [sys.executable, "-u", "app.py", *arguments],
        cwd=ROOT,
        env=environment | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _address_of(demo: subprocess.Popen) -> str:
    for line in demo.stdout:
        if "http://" in line:
            return next(word for word in line.split() if word.startswith("http")).rstrip("/")
    pytest.fail(demo.stderr.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
