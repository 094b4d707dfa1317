"""What every room takes for granted."""

SAMPLE_RATE = 16_000  # Hz, of the network and of everything that is scored
