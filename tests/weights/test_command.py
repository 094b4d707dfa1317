"""frcrn weights: listing, fetching, verifying."""

from frcrn_app.cli.main import main
from frcrn_app.weights import save_weights


def test_weights_list_marks_what_auto_takes(install_official, capsys):
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("*")] == [["*", "frcrn-small"]]
    assert any("frcrn-16k" in line and "can be fetched" in line for line in lines)
    install_official("frcrn-16k")
    main(["weights", "list"])
    assert capsys.readouterr().out.startswith("*  frcrn-16k")


def test_weights_verify_names_what_is_broken_and_goes_on(install_official, capsys):
    path = install_official("frcrn-16k")
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["weights", "verify"]) == 1
    out, complaint = capsys.readouterr()
    assert "frcrn-small: whole. " in out
    assert "frcrn-16k: wrong. The file" in complaint


def test_weights_verify_of_one_name_or_path(network, tmp_path, capsys):
    path = save_weights(tmp_path / "own.safetensors", network)
    assert main(["weights", "verify", str(path)]) == 0
    assert "8 channels, 2 U-Net(s); no known sha256" in capsys.readouterr().out
    assert main(["weights", "verify", str(tmp_path / "absent")]) == 2


def test_weights_fetch_of_an_unknown_name_is_a_usage_error(capsys):
    assert main(["weights", "fetch", "frcrn-small"]) == 2
    assert "there are: frcrn-16k, frcrn-se-16k" in capsys.readouterr().err
