"""What is wrong is told in Chinese too: every sentence is raised by the code that visitors meet."""

import ast
import inspect
import re
import shutil
import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import soundfile
from films import silent_film
from paths import PACKAGE

from frcrn_app.audio import Audio, load_audio, save_audio
from frcrn_app.errors import AudioError, PairError, UserError
from frcrn_app.i18n.chinese import SENTENCES, _pattern, in_chinese
from frcrn_app.web.faults import LANGUAGE_COOKIE, sentence
from frcrn_app.web.options import WebOptions

# What stays as it is in Chinese, beside the names of files and of weights.
NAMES_AND_UNITS = (
    "NaN PNG JPEG ZIP Zip WAV FLAC CSV UTF-8 Hz MB GB HTTP sha256 STOI PESQ-WB DNSMOS dBFS noisy "
    "clean group clean/a.wav noisy/a.wav --max-seconds FRCRN_WEIGHTS_DIR MODELSCOPE_API_TOKEN "
    "python -m frcrn_app evaluate weights fetch auto"
)


def raised(call, *arguments, **settings) -> UserError:
    with pytest.raises(UserError) as refused:
        call(*arguments, **settings)
    return refused.value


def chinese(error: BaseException, *quoted: str) -> str:
    """The Chinese of an error; it must quote these words, and hold no other Latin ones."""
    words = sentence(error, "zh-CN")
    assert words != sentence(error, "en"), words
    rest = words
    for word in quoted:
        assert word in words
    for word in sorted((*quoted, *NAMES_AND_UNITS.split()), key=len, reverse=True):
        rest = rest.replace(word, " ")
    assert re.findall(r"[A-Za-z]{2,}", rest) == [], words
    assert words[-1] in "。）"
    return words


# Sounds


def tone(seconds: float = 0.5, rate: int = 16_000) -> np.ndarray:
    return (0.3 * np.sin(np.arange(int(seconds * rate)) / 9)).astype(np.float32)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def wav(path: Path, samples: np.ndarray | None = None, rate: int = 16_000) -> Path:
    soundfile.write(path, tone() if samples is None else samples, rate, "FLOAT", format="WAV")
    return path


def cut_wav(path: Path) -> Path:
    content = wav(path).read_bytes()
    return written(path, content[: len(content) // 2])


def cut_flac(path: Path) -> Path:
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.standard_normal(32_000), 16_000, format="FLAC")
    content = path.read_bytes()
    return written(path, content[: len(content) // 2])


def wav_with_rate(path: Path, rate: int) -> Path:
    content = bytearray(wav(path).read_bytes())
    struct.pack_into("<I", content, content.index(b"fmt ") + 12, rate)
    return written(path, content)


def nan_wav(path: Path) -> Path:
    samples = tone()
    samples[4000] = np.nan
    return wav(path, samples)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("empty.wav", lambda path: written(path, b""), "空文件"),
        ("picture.wav", lambda path: written(path, b"\x89PNG\r\n\x1a\n" + bytes(90)), "PNG 图片"),
        ("page.mp3", lambda path: written(path, b"<!DOCTYPE html><p>"), "网页"),
        ("bytes.mp3", lambda path: written(path, bytes(range(256)) * 30), "无法作为声音读取"),
        ("cut.wav", cut_wav, "不完整"),
        ("cut.flac", cut_flac, "不完整"),
        ("nan.wav", nan_wav, "第一个在 0.250 秒处"),
        ("none.wav", lambda path: wav(path, tone(0)), "不含任何采样点"),
        ("low.wav", lambda path: wav(path, rate=4_000), "采样率为 4,000 Hz"),
        ("odd.wav", lambda path: wav_with_rate(path, 0), "采样率未知"),
        ("long.wav", lambda path: wav(path, tone(3)), "超过 2.5 秒的上限"),
        ("silent.mp4", silent_film, "没有声音的视频"),
        ("gone.wav", lambda path: path, "找不到文件"),
        ("gone (1).wav", lambda path: path, "找不到文件"),
        ("录音 1.wav", lambda path: written(path, b""), "空文件"),
    ],
)
def test_sounds_that_cannot_be_read(name, make, words, tmp_path):
    error = raised(load_audio, make(tmp_path / name), max_seconds=2.5)
    told = chinese(error, name)
    assert words in told
    assert str(tmp_path) not in told


def test_sounds_that_cannot_be_written(tmp_path):
    nine = Audio(np.zeros((9, 100), np.float32), 16_000)
    assert "9 个" in chinese(raised(save_audio, tmp_path / "a.flac", nine, format="flac"))
    broken = Audio(np.full((1, 100), np.nan, np.float32), 16_000)
    chinese(raised(save_audio, tmp_path / "a.wav", broken), "a.wav")
    (tmp_path / "file").touch()
    mono = nine.with_samples(nine.samples[:1])
    told = chinese(raised(save_audio, tmp_path / "file" / "b.wav", mono), "b.wav")
    assert "已有同名文件" in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk(tmp_path, monkeypatch):
    from frcrn_app.audio import files as audio

    monkeypatch.setattr(
        audio, "_write_by_soundfile", lambda *_: Path("/dev/full").write_bytes(b"1")
    )
    sound = Audio(tone(), 16_000)
    assert "磁盘已满" in chinese(raised(save_audio, tmp_path / "a.wav", sound), "a.wav")


def test_a_disk_that_fills_up_while_samples_are_written(tmp_path, monkeypatch):
    from frcrn_app.audio import files as audio

    def refuse(*_):
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(audio, "_encodable", refuse)
    error = raised(save_audio, tmp_path / "a.wav", Audio(tone(), 16_000))
    assert chinese(error, "a.wav") == "“a.wav”无法写入：磁盘可能已满。"


def test_a_score_of_silence():
    from frcrn_app.web.facts import dnsmos_of_both

    silence = Audio(np.zeros((1, 16_000), np.float32), 16_000)
    with asked(accept_language="zh-CN"):
        assert dnsmos_of_both(silence, silence)["error"].startswith("这段声音近乎无声")
    assert dnsmos_of_both(silence, silence)["error"].startswith("The scored sound is silent")


# Weights


def test_weights_that_cannot_be_had(tmp_path, monkeypatch):
    from frcrn_app.web.weights_menu import choose

    from frcrn_app.web.engine import Engine
    from frcrn_app.weights import load_weights

    monkeypatch.setenv("FRCRN_WEIGHTS_DIR", str(tmp_path))
    engine = Engine(WebOptions())
    names = [entry.name for entry in engine.weights()]
    assert "可选" in chinese(raised(engine.get, "nonesuch"), "nonesuch", *names)
    told = chinese(raised(load_weights, "frcrn-16k"), "frcrn-16k", *_official())
    assert str(tmp_path) not in told
    with asked(accept_language="zh"):
        _, line = list(choose(WebOptions(allow_fetch=False), engine, "frcrn-16k"))[-1]
    assert "权重“frcrn-16k”尚未下载，也不允许在此下载。" in line
    engine.close()


def _official() -> tuple[str, ...]:
    from frcrn_app.weights import OFFICIAL

    official = OFFICIAL["frcrn-16k"]
    return official.page, official.filename, official.sha256


# Test sets


@pytest.fixture
def refused_set(tmp_path):
    """A function that gives the error of a test set, with files below `tmp_path` to choose from."""
    from frcrn_app.web.evaluate_job import TestSet

    def refused(**fields) -> UserError:
        roots = (tmp_path / "open",)
        roots[0].mkdir(exist_ok=True)
        return raised(TestSet(**fields).pairs, tmp_path / "unpacked", roots)

    return refused


def zip_of(path: Path, names: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in names.items():
            opened.writestr(name, content)
    return str(path)


def encrypted_zip(path: Path) -> str:
    zip_of(path, {"noisy/a.wav": b"1"})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flags of the entry, and those of the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return str(written(path, content))


def strange_zip(path: Path) -> str:
    zip_of(path, {"noisy/a.wav": b"1"})
    content = bytearray(path.read_bytes())
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 97  # a method that nobody reads
    return str(written(path, content))


@pytest.mark.parametrize(
    ("make", "quoted", "words"),
    [
        (lambda path: str(written(path, b"PK\x03\x04 and no more")), (), "不是完整的 Zip 压缩包"),
        (encrypted_zip, (), "已加密"),
        (strange_zip, (), "压缩方式"),
        (lambda path: zip_of(path, {"../noisy/a.wav": b"1"}), ("../noisy/a.wav",), "压缩包之外"),
        (lambda path: zip_of(path, {"/noisy/a.wav": b"1"}), ("a.wav",), "压缩包之外"),
    ],
)
def test_archives_that_cannot_be_opened(make, quoted, words, refused_set, tmp_path):
    error = refused_set(source="zip", archive=make(tmp_path / "my.zip"))
    assert words in chinese(error, "my.zip", *quoted)


def test_archives_that_are_too_large(tmp_path, monkeypatch):
    from frcrn_app.evaluation.sources import extract_archive

    archive = zip_of(tmp_path / "set.zip", {f"noisy/{n}.wav": bytes(900) for n in range(3)})
    error = raised(extract_archive, archive, tmp_path, max_files=2)
    assert "3 个文件，最多读取 2 个" in chinese(error, "set.zip")
    error = raised(extract_archive, archive, tmp_path, max_bytes=2**10)
    assert "GB" in chinese(error, "set.zip", "e-07")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3))
    assert "磁盘空间不足" in chinese(raised(extract_archive, archive, tmp_path))


def test_sets_in_which_nothing_pairs(refused_set, tmp_path):
    def archive(*names: str) -> UserError:
        content = dict.fromkeys(names, b"1")
        return refused_set(source="zip", archive=zip_of(tmp_path / "set.zip", content))

    def files(**fields) -> UserError:
        return refused_set(source="files", **fields)

    assert "没有名为 noisy 的文件夹" in chinese(archive("sounds/a.wav"))
    assert "没有含噪文件能与干净文件配对" in chinese(files(noisy=["a.wav"], clean=["b.wav"]))
    system = files(noisy=["a.wav"], system=["b.wav"], system_name="DeepFilter")
    assert "“DeepFilter”中没有文件" in chinese(system, "DeepFilter")
    chinese(files(noisy=["a.wav"], system=["a.wav"], system_name="Clean"), "Clean")
    assert "2,001 对" in chinese(files(noisy=[f"{n}.wav" for n in range(2001)]))
    for source in ("zip", "files", "manifest"):
        assert "请上传" in chinese(refused_set(source=source))


@pytest.mark.parametrize(
    ("content", "quoted", "words"),
    [
        (b"", (), "空文件"),
        (b"noisy\n\xff\n", (), "不是 UTF-8"),
        (b"a,b\n1,2\n", (), "没有 noisy 列"),
        (b"noisy,mine,mine\n1,2,3\n", ("mine",), "多个名为“mine”的列"),
        (b"noisy,clean\n", (), "没有可用的行，"),
        (b"noisy,clean\nx/a.wav,y/lost.wav\n", ("y/lost.wav",), "第 2 行：找不到 y/lost.wav"),
        (b"noisy,clean\n,b.wav\n", (), "第 2 行：单元格为空"),
        (b"noisy\n" + b"a\n" * 100_001, (), "超过 100,000 行"),
        (b"noisy\n" + b"x" * 140_000, (), "不是 CSV 文件"),
    ],
)
def test_csv_files_that_cannot_be_used(content, quoted, words, refused_set, tmp_path):
    file = written(tmp_path / "list.csv", content)
    assert words in chinese(refused_set(source="manifest", manifest=str(file)), "list.csv", *quoted)


def test_folders_that_cannot_be_used(refused_set, tmp_path):
    def folders(noisy: str = "", clean: str = "", systems: str = "") -> UserError:
        fields = {"noisy_folder": noisy, "clean_folder": clean, "system_folders": systems}
        return refused_set(source="folders", **fields)

    assert "没有填写文件夹" in chinese(folders())
    assert "passwd" in chinese(folders("../etc/passwd"), "../etc/passwd")
    assert "“”不是" in chinese(folders("/etc/"))
    assert "没有含噪声音文件" in chinese(folders("."))
    wav(tmp_path / "open" / "a.wav")
    (tmp_path / "open" / "empty").mkdir()
    assert "没有干净声音文件" in chinese(folders(".", "empty"))
    assert "名称=文件夹" in chinese(folders(".", "", "some words"), "some words")


def test_metrics_that_need_clean_sounds(refused_set, tmp_path):
    from frcrn_app.evaluation import evaluate_pairs
    from frcrn_app.evaluation.pairing import SoundFile, pair_files

    pairs = pair_files([SoundFile(wav(tmp_path / "a.wav"), "a.wav")])
    error = raised(evaluate_pairs, pairs, metrics=("pesq_wb", "stoi"))
    assert "PESQ-WB, STOI" in chinese(error)


# All of them

# Sentences of these files that no visitor of the page can cause, or not as one sentence, by the
# words that they begin or go on with.
LEFT_OUT = (
    "Samples must be floating-point",  # a caller's fault
    "There is no format",
    "strength must",
    "is a folder, not a sound file",
    "is a device or pipe",
    "No sound was sent",  # programs
    "The strength must",
    "There is no source",
    "There is no metric called",
    "This demo was started without --local-folders",
    "There is no device",  # whoever starts the demo
    "CUDA was asked for",
    "There is no 1: this machine has",
    "There is no precision",
    "float16 needs a CUDA device",
    "DNSMOS needs the package",
    "1 is not a file: name a checkpoint",
    'No weights are called "1" and no file',
    "No weights to fetch are called",
    "The folder 1 holds",
    "has 1: rates from",  # put together from parts: the tests above
    "1 1",
    "it was removed. 1",
    "Cannot fetch 1 from 1 (1). 1",
    "can be used1:",
    "There are no pairs",
    "Scoring needs at least",
    "The journal",
    "axes; scores need one, mono",
    "cut both to the same length first",
)
FILES = ("audio", "_containers", "denoiser", "hub", "checkpoints", "metrics", "report/__init__")
FOLDERS = ("evaluation", "web")
KINDS = {"UserError", "AudioError", "CheckpointError", "PairError", "MetricError", "DeviceError"}


def _sources() -> list[Path]:
    files = [PACKAGE / f"{name}.py" for name in FILES]
    files += [file for folder in FOLDERS for file in (PACKAGE / folder).glob("*.py")]
    return [file for file in files if not file.name.startswith("texts")]


def _strings(nodes: Iterable[ast.AST]) -> list[str]:
    """The texts among syntax nodes, with 1 in place of what they quote."""
    texts = []
    for node in nodes:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in parts)
        if isinstance(node, ast.JoinedStr | ast.Constant):
            texts.append(text)
    return texts


def _nodes() -> Iterator[ast.AST]:
    for file in _sources():
        yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def test_no_sentence_of_the_code_is_forgotten():
    calls = [node for node in _nodes() if isinstance(node, ast.Call) and node.args]
    sentences = _strings(node.args[0] for node in calls if getattr(node.func, "id", "") in KINDS)
    assert len(sentences) > 80
    forgotten = [
        sentence
        for sentence in sentences
        if in_chinese(sentence) == sentence and not any(words in sentence for words in LEFT_OUT)
    ]
    assert forgotten == []


def test_no_translation_has_lost_its_sentence():
    written_in_code = [text for text in _strings(_nodes()) if " " in text]
    # Put together from parts: the tests above.
    parts = ("To install it by hand", "rates from", "can be used", "(the disk may be", "(below ")
    lost = [
        english
        for english in SENTENCES
        if not any(part in english for part in parts)
        and not any(_pattern(english).fullmatch(text) for text in written_in_code)
    ]
    assert lost == []


def test_both_languages_quote_the_same():
    for english, chinese_words in SENTENCES.items():
        fields = [set(re.findall(r"{(\w+)}", words)) for words in (english, chinese_words)]
        assert fields[1] <= fields[0]
        assert fields[0] - fields[1] <= {"advice", "fault", "reason"}


def test_a_sentence_that_is_not_known_stays():
    assert sentence(UserError("Turn it off and on again."), "zh") == "Turn it off and on again."
    endless = PairError(f'Systems are given as NAME=FOLDER, not "{"x" * 10_000}".')
    assert sentence(endless, "zh") == str(endless)


def test_file_names_cannot_break_the_words():
    name = 'a{file}" is {0} %s\n.wav'
    assert sentence(AudioError(f'"{name}" is empty (0 bytes): record or copy it again.'), "zh") == (
        f"“{name}”是空文件（0 字节），请重新录制或复制。"
    )


# Which language


@contextmanager
def asked(**headers: str):
    """A request at hand, as Gradio keeps it for its handlers; `cookie` is the page's language."""
    import gradio as gr
    from fastapi import Request
    from gradio.context import LocalContext

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if "cookie" in named:
        named["cookie"] = f"other=1; {LANGUAGE_COOKIE}={named['cookie']}"
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    request = gr.Request(Request({"type": "http", "headers": raw}))
    token = LocalContext.request.set(request)
    yield
    LocalContext.request.reset(token)


@pytest.mark.parametrize(
    ("headers", "is_chinese"),
    [
        ({"accept_language": "zh-CN,zh;q=0.9,en;q=0.8"}, True),
        ({"accept_language": "ZH-tw"}, True),
        ({"accept_language": "en-US,en;q=0.9,zh;q=0.8"}, False),
        ({"accept_language": "fr"}, False),
        ({"accept_language": "*"}, False),
        ({}, False),
        ({"accept_language": "en", "cookie": "zh"}, True),  # the page was switched
        ({"accept_language": "zh-CN", "cookie": "en"}, False),
    ],
)
def test_the_language_is_that_of_the_page(headers, is_chinese):
    error = PairError("No archive was given: upload a zip file.")
    with asked(**headers):
        assert ("压缩包" in sentence(error)) is is_chinese
        assert sentence(error, "en") == str(error)
    assert sentence(error) == str(error)


def test_the_page_keeps_its_language_in_the_cookie():
    script = (PACKAGE / "web" / "assets" / "page.js").read_text(encoding="utf-8")
    assert f"document.cookie = `{LANGUAGE_COOKIE}=${{language}};" in script


@pytest.fixture(scope="module")
def client_in(demo):
    """A function that makes a client which sends headers."""
    from gradio_client import Client

    return lambda **headers: Client(demo.address, verbose=False, headers=headers)


def sentence_of(client, path: Path) -> str:
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError) as refused:
        client.predict(handle_file(path), api_name="/denoise")
    return str(refused.value)


def test_over_http(demo, client_in, example_clips, monkeypatch, tmp_path):
    path = written(tmp_path / "empty.wav", b"")
    in_english = f'"{path.name}" is empty (0 bytes): record or copy it again.'
    in_chinese = f"“{path.name}”是空文件（0 字节），请重新录制或复制。"
    visitor = client_in(**{"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    switched = client_in(**{"accept-language": "zh-CN", "cookie": f"{LANGUAGE_COOKIE}=en"})
    program = client_in()
    assert sentence_of(visitor, path) == in_chinese
    assert sentence_of(switched, path) == in_english
    assert sentence_of(program, path) == in_english

    def broken(*_, **__):
        raise RuntimeError("the disk /secret/place is on fire")

    monkeypatch.setattr(demo.engine, "submit", broken)
    assert re.fullmatch(
        r"本页自身出了问题（编号 [0-9a-f]{6}）。请重试；.*", sentence_of(visitor, example_clips[0])
    )
    assert "Something went wrong" in sentence_of(program, example_clips[0])


def test_in_a_step_of_a_generator(demo, tmp_path):
    """The handler behind the player, as the page calls it."""
    player = next(block for block in demo.blocks.values() if block.elem_id == "result")
    clean = next(i for i, fn in demo.fns.items() if player in fn.outputs and len(fn.inputs) == 4)
    assert inspect.isgeneratorfunction(demo.fns[clean].fn)
    told = {}
    for language in ("zh-CN", "en-GB"):
        session = {"session_hash": f"visitor-{language}"}
        with httpx.Client(base_url=f"{demo.address}/gradio_api", timeout=30) as visitor:
            visitor.headers["accept-language"] = language
            files = {"files": ("empty.wav", b"")}
            (path,) = visitor.post("/upload", files=files).json()
            sound = {"path": path, "meta": {"_type": "gradio.FileData"}}
            wish = {"data": [sound, 1, "auto", "same"], "fn_index": clean, **session}
            visitor.post("/queue/join", json=wish).raise_for_status()
            told[language] = visitor.get("/queue/data", params=session).text
    assert "“empty.wav”是空文件" in told["zh-CN"]
    assert "is empty (0 bytes)" not in told["zh-CN"]
    assert "is empty (0 bytes)" in told["en-GB"]
