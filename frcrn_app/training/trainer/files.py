"""What a run leaves in its folder."""

STATE_FILE = "state.pt"  # everything that resuming needs
BEST_FILE = "best.safetensors"  # best by validation, half precision
LAST_FILE = "last.safetensors"
LOG_FILE = "log.csv"
CURVE_FILE = "curve.png"
SNAPSHOT_FILE = "step-{step:07d}.safetensors"
