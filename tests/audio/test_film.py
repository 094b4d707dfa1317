"""Film in, film out: the picture's packets untouched, the cleaned audio in its place."""

import av
import numpy as np
import pytest

from films import silent_film
from frcrn_app.audio import load_tracks, save_film
from frcrn_app.batch import denoise_files
from frcrn_app.errors import AudioError
from recordings import snr_db


def film(
    path, muxer, codec, *, delay=0.0, channels=(1,), picture="mpeg4", pixels="yuv420p", tag=""
):
    """Three seconds of picture, a tone a track that starts `delay` s late."""
    rate = 48_000
    with av.open(str(path), "w", format=muxer) as container:
        video = container.add_stream("libvpx" if muxer == "webm" else picture, rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, pixels
        if tag:
            video.codec_context.codec_tag = tag
        streams = []
        for count in channels:
            layout = "mono" if count == 1 else "stereo"
            stream = container.add_stream(codec, rate=rate, layout=layout)
            stream.codec_context.format = av.Codec(codec, "w").audio_formats[-1]
            streams.append(stream)
        for index in range(30):
            colours = np.random.default_rng(index).integers(0, 255, (48, 64, 3), np.uint8)
            still = av.VideoFrame.from_ndarray(colours)
            still.pts = index
            container.mux(video.encode(still))
        container.mux(video.encode(None))
        for number, (stream, count) in enumerate(zip(streams, channels, strict=True)):
            layout = "mono" if count == 1 else "stereo"
            time = np.arange(2 * rate) / rate
            samples = 0.4 * np.sin(2 * np.pi * 300 * (1 + number) * time)
            frame = av.AudioFrame.from_ndarray(
                np.repeat(samples[None].astype(np.float32), count, axis=0),
                format="fltp",
                layout=layout,
            )
            frame.sample_rate, frame.pts = rate, 0
            resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
            for part in (*resampler.resample(frame), *resampler.resample(None), None):
                for packet in stream.encode(part):
                    packet.pts += round(delay / packet.time_base)
                    packet.dts = packet.pts
                    container.mux(packet)
    return path


def picture_packets(path):
    """Seconds and bytes of each packet of the picture."""
    with av.open(str(path)) as container:
        return [
            (round(float(packet.pts * packet.time_base), 2), bytes(packet))
            for packet in container.demux(video=0)
            if packet.size
        ]


CONTAINERS = [
    ("a.mp4", "mp4", "aac"),
    ("a.mov", "mov", "aac"),
    ("a.mkv", "matroska", "aac"),
    ("a.webm", "webm", "libopus"),
    ("a.avi", "avi", "libmp3lame"),
    ("a.mts", "mpegts", "ac3"),
]


@pytest.mark.parametrize(("name", "muxer", "codec"), CONTAINERS)
def test_the_picture_is_copied_and_the_audio_is_in_its_place(tmp_path, name, muxer, codec):
    delay = 0.0 if name == "a.avi" else 0.5
    source = film(tmp_path / name, muxer, codec, delay=delay)
    tracks = load_tracks(source)
    quieter = [track.with_samples(track.samples / 2) for track in tracks]
    written = save_film(tmp_path / "out" / name, source, quieter)
    assert written.path == tmp_path / "out" / name
    before, after = picture_packets(source), picture_packets(written.path)
    assert [content for _, content in before] == [content for _, content in after]
    shift = after[0][0] - before[0][0]
    assert [second for second, _ in after] == pytest.approx(
        [second + shift for second, _ in before], abs=0.12 if name == "a.avi" else 0.02
    )
    [again] = load_tracks(written.path)
    [expected] = quieter
    assert again.sample_rate == expected.sample_rate
    assert again.duration == pytest.approx(expected.duration, abs=0.1)
    onset = np.argmax(np.abs(again.samples[0]) > 0.1) / again.sample_rate
    assert onset == pytest.approx(delay, abs=0.06)


def test_every_track_goes_back(tmp_path):
    source = film(tmp_path / "a.mkv", "matroska", "aac", channels=(2, 1))
    tracks = load_tracks(source)
    again = load_tracks(save_film(tmp_path / "b.mkv", source, tracks).path)
    assert [track.channels for track in again] == [2, 1]
    for before, after in zip(tracks, again, strict=True):
        assert snr_db(before.samples, after.samples) > 15


@pytest.mark.parametrize(
    ("suffix", "muxer", "codec"),
    [("mkv", "matroska", "flac"), ("avi", "avi", "pcm_s16le"), ("mov", "mov", "pcm_s24le")],
)
def test_lossless_audio_of_a_film_stays_lossless(tmp_path, suffix, muxer, codec):
    source = film(tmp_path / f"a.{suffix}", muxer, codec)
    [track] = load_tracks(source)
    written = save_film(tmp_path / f"b.{suffix}", source, [track]).path
    assert written.name == f"b.{suffix}"
    [again] = load_tracks(written)
    np.testing.assert_array_equal(again.samples, track.samples)


@pytest.mark.parametrize(
    ("name", "muxer", "picture", "pixels", "tag"),
    [
        ("iphone.mov", "mov", "libx265", "yuv420p", "hvc1"),
        ("iphone.mp4", "mp4", "libx265", "yuv420p", "hvc1"),
        ("prores.mov", "mov", "prores_ks", "yuva444p10le", "ap4h"),
    ],
)
def test_the_name_of_a_coding_by_which_players_know_it_is_kept(
    tmp_path, name, muxer, picture, pixels, tag
):
    source = film(tmp_path / name, muxer, "aac", picture=picture, pixels=pixels, tag=tag)
    with av.open(
        str(save_film(tmp_path / "out" / name, source, load_tracks(source)).path)
    ) as again:
        assert again.streams.video[0].codec_context.codec_tag == tag


def test_a_picture_that_matroska_does_not_take(tmp_path):
    source = film(tmp_path / "a.wmv", "asf", "libmp3lame", picture="wmv2")
    written = save_film(tmp_path / "b.wmv", source, load_tracks(source)).path
    assert written.name == "b.avi"
    before, after = picture_packets(source), picture_packets(written)
    assert [content for _, content in before] == [content for _, content in after]


def test_a_file_without_a_picture_is_no_film(tmp_path, make_tone):
    from frcrn_app.audio import save_audio

    path = save_audio(tmp_path / "a.m4a", make_tone())
    with pytest.raises(AudioError) as refused:
        save_film(tmp_path / "b.mp4", path, load_tracks(path))
    assert refused.value.code == "audio.no_picture"


def test_a_folder_of_films_and_recordings(tmp_path, make_tone):
    """With film=True, films stay films and the rest is cleaned as ever."""
    from frcrn_app.audio import save_audio

    (tmp_path / "in").mkdir()
    film(tmp_path / "in/film.mp4", "mp4", "aac")
    save_audio(tmp_path / "in/talk.flac", make_tone())
    silent_film(tmp_path / "in/mute.mp4")
    results = denoise_files([tmp_path / "in"], tmp_path / "out", lambda audio, *_: audio, film=True)
    assert {result.source.name: result.status for result in results} == {
        "film.mp4": "cleaned",
        "mute.mp4": "failed",
        "talk.flac": "cleaned",
    }
    assert len(picture_packets(tmp_path / "out/film.mp4")) == 30
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["film.mp4", "talk.flac"]
