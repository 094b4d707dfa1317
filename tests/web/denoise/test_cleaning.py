"""A recording on its way through the page, without a browser: what is shown, kept and served."""

import time
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from films import two_track_film
from frcrn_app.audio import Audio, list_tracks, load_audio, load_tracks, save_audio
from frcrn_app.errors import AudioError
from frcrn_app.web.options import WebOptions


@pytest.fixture(scope="module")
def engine():
    from frcrn_app.web.engine import Engine

    engine = Engine(WebOptions())
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def results():
    from frcrn_app.web.denoise import Results

    results = Results(3600)
    yield results
    results.close()


@pytest.fixture(scope="module")
def served(results) -> TestClient:
    """What is served of results, by addresses as values name them."""
    from frcrn_app.web.denoise.routes import result_routes

    return TestClient(Starlette(routes=result_routes(results)), base_url="http://demo")


@pytest.fixture(scope="module")
def clean(engine, results):
    """A function that follows a recording until it can be played; returns it and what it showed."""
    from frcrn_app.web.denoise.cleaning import Cleaning

    cleanings = []

    def clean(path: Path, **settings):
        cleaning = Cleaning(engine, str(path), "auto", 20.0, **settings)
        cleanings.append(cleaning)
        results.follow("page", cleaning)
        return cleaning, shown_first(cleaning)

    yield clean
    for cleaning in cleanings:
        cleaning.delete()


def shown_first(cleaning, track: int = 0) -> dict:
    """What is shown as soon as there is something to play, or to say."""
    return next(value for value in cleaning.follow(track) if value["state"] != "working")


@pytest.fixture(scope="module")
def talk(speech, tmp_path_factory) -> Path:
    """A second of speech at 48 kHz in 16 bits, with something above 8 kHz."""
    noise = 0.01 * np.random.default_rng(0).standard_normal((1, 48_000))
    wide = np.interp(np.arange(48_000) / 3, np.arange(16_000), speech.samples[0, 8_000:24_000])
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    return save_audio(path, Audio(wide[None] + noise, 48_000), format="wav16")


@pytest.fixture(scope="module")
def done(clean, talk):
    """The talk, cleaned, and what was shown of it."""
    return clean(talk)


@pytest.fixture(scope="module")
def film(clean, tmp_path_factory):
    """A film with two tracks, cleaned, and what was shown of it."""
    return clean(two_track_film(tmp_path_factory.mktemp("film") / "talk.mp4"))


def test_what_is_played_comes_first_then_pictures_then_scores(done, served):
    cleaning, _ = done
    played, pictured, scored = cleaning.follow()
    assert played["state"] == "done"
    addresses = [played["original"], played["cleaned"]]
    addresses += [pictured["spectrograms"][version] for version in ("original", "cleaned")]
    for address in addresses:
        assert served.get(f"/{address}").status_code == 200
    assert set(scored["scores"]) >= {"original", "cleaned"}
    assert played["facts"]["band"] == "full"


def test_downloads_follow_strength_and_format(done, talk, served, tmp_path):
    address = f"/{done[1]['download']}"
    untouched = served.get(address, params={"strength": 0})
    assert "talk_denoised.wav" in untouched.headers["content-disposition"]
    (tmp_path / "back.wav").write_bytes(untouched.content)
    assert np.array_equal(load_audio(tmp_path / "back.wav").samples, load_audio(talk).samples)
    assert served.get(address, params={"format": "flac"}).content[:4] == b"fLaC"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"strength": 2}, "from 0 to 1"),
        ({"strength": "x"}, "from 0 to 1"),
        ({"format": "mp5"}, "mp5"),
        ({"format": "film"}, "no picture"),
        ({"track": 1.5}, "track"),
        ({"track": 7}, "no track 7"),
    ],
)
def test_a_wish_that_cannot_be_met_is_answered_with_a_sentence(done, served, query, words):
    answer = served.get(f"/{done[1]['download']}", params=query)
    assert answer.status_code == 400
    assert words in answer.text


def test_the_band_above_goes_where_it_is_not_wanted(done, clean, talk):
    without, value = clean(talk, band="speech")
    assert value["facts"]["band"] == value["chosen_band"] == "speech"
    high = slice(8_300, None)  # Hz, of a second
    tops = [
        np.abs(np.fft.rfft(load_audio(each.download(1.0, "wav-float")).samples[0])[high]).max()
        for each in (done[0], without)
    ]
    assert tops[1] < tops[0] / 5
    _, refused = clean(talk, band="wide")
    assert refused["state"] == "failed"
    assert "full, speech" in refused["message"]


def test_tracks_are_all_cleaned_and_can_be_chosen(film, served, tmp_path):
    cleaning, together = film
    assert together["track"] == 0
    assert [track["channels"] for track in together["tracks"]] == [2, 1]
    alone = shown_first(cleaning, 2)
    assert (alone["track"], alone["file_channels"]) == (2, 1)
    assert alone["turn"] > together["turn"]
    heard = []
    for value in (together, alone):
        path = tmp_path / "heard.wav"
        path.write_bytes(served.get(f"/{value['original']}").content)
        heard.append(np.abs(np.fft.rfft(load_audio(path).samples[0][:48_000])))
    assert heard[0][300] > 100 * heard[1][300]  # the other track's tone
    assert heard[1][1_000] > 1_000
    assert len(load_tracks(cleaning.download(1.0, "same"))) == 2
    assert len(list_tracks(cleaning.download(1.0, "wav16"))) == 1
    assert len(load_tracks(cleaning.download(1.0, "same", 2))) == 1


def test_a_film_comes_back_as_a_film(film, served, tmp_path):
    cleaning, value = film
    assert value["film"]
    answer = served.get(f"/{value['download']}", params={"format": "film"})
    assert answer.status_code == 200, answer.text
    (tmp_path / "back.mp4").write_bytes(answer.content)
    with av.open(str(cleaning.path)) as before, av.open(str(tmp_path / "back.mp4")) as after:
        pictures = [
            [bytes(packet) for packet in each.demux(video=0) if packet.size]
            for each in (before, after)
        ]
        assert pictures[0] == pictures[1]
        assert len(after.streams.audio) == 2


def test_nothing_but_a_results_own_files_is_served(done, served):
    folder = done[1]["original"].rpartition("/")[0]
    for name in ("original.npy", "..%2F..%2Fsecret", "", "cleaned.wav.bak"):
        assert served.get(f"/{folder}/{name}").status_code == 404
    assert served.get(f"/frcrn/result/{'0' * 32}/0/original.wav").status_code == 404


# Who follows what


def test_a_page_that_leaves_ends_its_work_and_one_that_comes_back_begins_it_anew(
    engine, results, speech, tmp_path
):
    from frcrn_app.web.denoise import results as module
    from frcrn_app.web.denoise.cleaning import Cleaning

    path = save_audio(tmp_path / "long.wav", speech, format="wav16")
    cleaning = Cleaning(engine, str(path), "auto", 20.0)
    results.follow("page", cleaning)
    following = cleaning.follow()
    assert next(following)["phase"] == "loading"
    next(following)  # in the queue
    results.leave("page")
    deadline = time.monotonic() + module.GRACE_SECONDS + 20
    state = "working"
    while state == "working" and time.monotonic() < deadline:
        state = next(following)["state"]
    assert state in ("cancelled", "done")  # done where the machine was faster than the grace
    with suppress(StopIteration):
        next(following)
    results.follow("page again", results.find(cleaning.ticket))
    assert shown_first(cleaning)["state"] == "done"
    cleaning.delete()


# Which file a value stands for


def test_a_value_names_an_upload_an_example_or_a_result_and_nothing_else(done, results):
    from gradio.utils import get_upload_folder

    from frcrn_app.web.denoise.source import EXAMPLES_FOLDER, path_of, value_of

    assert path_of(None, results) is None
    example = next(EXAMPLES_FOLDER.glob("*.*"))
    assert path_of({"example": example.name}, results) == example
    cleaning, _ = done
    assert path_of(value_of(cleaning.ticket, cleaning.path), results) == cleaning.path
    upload = Path(get_upload_folder()) / "x" / "talk.wav"
    assert path_of({"path": str(upload)}, results) == upload.resolve()
    for wrong in (
        {"path": "/etc/passwd"},
        {"path": f"{get_upload_folder()}/../secret.wav"},
        {"example": "../pairs/clean"},
        {"ticket": "0" * 32},
        {"ticket": 7},
        "talk.wav",
    ):
        with pytest.raises(AudioError):
            path_of(wrong, results)


def test_a_result_is_found_by_its_ticket_until_it_is_deleted(clean, results, served, talk):
    cleaning, value = clean(talk)
    assert results.find(cleaning.ticket) is cleaning
    with pytest.raises(AudioError):
        results.shared(cleaning.ticket)
    results.share(cleaning.ticket)
    assert results.shared(cleaning.ticket) is cleaning
    results._delete_old(time.monotonic() + 1)
    assert not cleaning.folder.exists()
    assert served.get(f"/{value['original']}").status_code == 404
    assert "deleted" in served.get(f"/{value['download']}").text
    with pytest.raises(AudioError) as gone:
        results.find(cleaning.ticket)
    assert gone.value.code == "web.result_gone"
