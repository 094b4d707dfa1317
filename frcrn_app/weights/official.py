"""The official weights: what was published, where, and how to know it again."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OfficialFile:
    """One published checkpoint. Size and checksum are those of the file on its hub."""

    name: str
    title: str
    hub: str  # "modelscope" or "huggingface"
    repository: str
    filename: str
    size: int  # bytes
    sha256: str
    licence: str
    page: str  # for people

    def path_in(self, folder: Path) -> Path:
        """Where the file is kept: a folder of its own, under the name it has on the hub."""
        return folder / self.name / self.filename


OFFICIAL = {
    file.name: file
    for file in (
        OfficialFile(
            name="frcrn-16k",
            title="FRCRN 16 kHz (Alibaba DAMO, ModelScope)",
            hub="modelscope",
            repository="damo/speech_frcrn_ans_cirm_16k",
            filename="pytorch_model.bin",
            size=57_991_225,
            sha256="477a2f82019b0a2b5bdd51541405d7e585a1f0355e162f3b46bf5c20d79fd612",
            licence="Apache-2.0",
            page="https://modelscope.cn/models/damo/speech_frcrn_ans_cirm_16k",
        ),
        OfficialFile(
            name="frcrn-se-16k",
            title="FRCRN SE 16 kHz (ClearerVoice-Studio, Hugging Face)",
            hub="huggingface",
            repository="alibabasglab/FRCRN_SE_16K",
            filename="last_best_checkpoint.pt",
            size=161_053_751,
            sha256="b22256adbb91b68cf5a3db8f6657a4fb17066eecd5f069803e59c186c1cf3ebb",
            licence="Apache-2.0",
            page="https://huggingface.co/alibabasglab/FRCRN_SE_16K",
        ),
    )
}
