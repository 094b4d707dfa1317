"""Speech, noise and room responses to train on: found, decoded once, read from int16 at 16 kHz.

Audio comes either from an index (a CSV file whose rows cut clips out of longer files) or from
plain folders of audio of any kind. Every file is decoded once, whole, into a cache of raw int16
samples; a clip is then a short read from that file. Decoding per clip would decode the start of a
joined file again for each of its hundreds of clips.
"""

from frcrn_app.training.corpus.clips import Clip
from frcrn_app.training.corpus.corpus import Corpus
from frcrn_app.training.corpus.decoded import LeftOut, read_mono

__all__ = ["Clip", "Corpus", "LeftOut", "read_mono"]
