"""Size and time direction of the network."""

from dataclasses import asdict, dataclass, fields

LOOKAHEAD = 3  # frames, at most
# The first frequency that a voice may have, as a bin: 50 Hz. See `level`.
FIRST_BIN = 2


@dataclass(frozen=True)
class FRCRNConfig:
    """Size of the network. The defaults are those of the released one."""

    channels: int = 128  # complex channels of every layer; a multiple of 8 (attention's squeeze)
    unets: int = 2  # 2: mask = tanh(u1) + tanh(u2(u1)), 1: mask = tanh(u1)
    # Complex channels that the first U-Net takes (`features`). 1: the spectrum. 2: also the
    # spectrum with its magnitudes compressed. 3: also that over its mean around. With 2 and 3, of
    # audio without infrasound (`level`).
    inputs: int = 1
    # Whether convolutions are real ones of 2 x channels, which the parts share, in place of complex
    # ones: as much work, and twice the weights.
    real: bool = False
    # Frames to either side that attention's means are over. 0: over all that there are, as in the
    # released network, which therefore hears a recording of several scenes as one. In a causal
    # network it says nothing, because there means run.
    attention: int = 0
    context: int = 0  # real channels of the blocks over time (`context.ContextBlock`); 0: no blocks
    win_length: int = 640  # samples; the U-Net's frequency strides fit 321 bins only
    hop_length: int = 320  # samples
    # Whether a frame's mask follows from the present and the past alone: encoders and decoders
    # take the frame before instead of the one after, means run (`past.running_mean`), and the level
    # is the network's own affair. The weights have the same names and shapes either way.
    causal: bool = False
    lookahead: int = 0  # frames after the present one that a causal network waits for

    def __post_init__(self):
        if self.channels < 8 or self.channels % 8:
            raise ValueError(f"channels must be a positive multiple of 8, not {self.channels}")
        if self.unets not in (1, 2):
            raise ValueError(f"unets must be 1 or 2, not {self.unets}")
        if self.inputs not in (1, 2, 3):
            raise ValueError(f"inputs must be 1, 2 or 3, not {self.inputs}")
        for name in ("attention", "context"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, but is {getattr(self, name)}")
        if (self.win_length, self.hop_length) != (640, 320):
            raise ValueError("only win_length 640 with hop_length 320 fits the network")
        if not 0 <= self.lookahead <= (LOOKAHEAD if self.causal else 0):
            raise ValueError(
                f"lookahead must be 0 to {LOOKAHEAD} for a causal network and 0 for others, "
                f"not {self.lookahead}"
            )

    @property
    def bins(self) -> int:
        """Frequencies of a spectrum."""
        return self.win_length // 2 + 1

    @property
    def delay(self) -> int:
        """Samples between one going into a causal network and its coming out at the latest."""
        return self.win_length + self.lookahead * self.hop_length

    def to_dict(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "FRCRNConfig":
        """Configuration from a mapping; entries of other names are ignored."""
        names = {field.name for field in fields(cls)}
        numbers = {name: int(value) for name, value in values.items() if name in names}
        switches = {name: bool(numbers.get(name, False)) for name in ("causal", "real")}
        return cls(**{**numbers, **switches})
