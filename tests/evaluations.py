"""What made-up evaluations in tests have in common."""

KEYS = ["pesq_wb", "stoi", "si_sdr", "lsd"]
EVIL = '<script>alert("1")</script> & 测试, "quoted"'
SETTINGS = {
    "metrics": KEYS, "align": False, "seed": 0, "workers": 2, "denoise": True, "strength": 1.0,
}  # fmt: skip
WEIGHTS = {
    "name": "net", "sha256": "ab" * 32, "licence": "Apache-2.0", "parameters": 1234567,
    "config": {}, "device": "cpu", "precision": "float32",
}  # fmt: skip
