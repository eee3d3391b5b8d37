"""The files that make the input of ControlNet models, as ComfyUI's preprocessors want them.

They are published on Hugging Face and change so seldom that they are listed here (python-client.md
section 11).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

ANNOTATOR_HF_REPO: Final = "lllyasviel/Annotators"
"""The repository of most of the files."""

ANNOTATORS_FOLDER: Final = "annotators"
"""Where they lie, below the folder of the ControlNet models."""

_ORIGIN: Final = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class AnnotatorFile:
    """A file, the control types that need it, and the preprocessors that load it."""

    repo: str
    filename: str
    subfolder: str
    sha256: str
    control_types: tuple[str, ...]
    preprocessors: tuple[str, ...]

    @property
    def relative_path(self) -> str:
        """Its path below the folder of the annotators, with slashes: repository, subfolder, file."""
        return str(PurePosixPath(self.repo, self.subfolder, self.filename))

    @property
    def origin_url(self) -> str:
        """Where it is published."""
        return f"{_ORIGIN}/{self.repo}/resolve/main/{PurePosixPath(self.subfolder, self.filename)}"


def annotators_for_control_types(control_types: Iterable[str]) -> tuple[AnnotatorFile, ...]:
    """Return the files that any of the control types needs, in the order of the catalogue."""
    wanted = frozenset(control_types)
    return tuple(item for item in ANNOTATOR_FILES if not wanted.isdisjoint(item.control_types))


def _files(
    control_types: tuple[str, ...],
    preprocessors: tuple[str, ...],
    *files: tuple[str, str],
    repo: str = ANNOTATOR_HF_REPO,
    subfolder: str = "",
) -> tuple[AnnotatorFile, ...]:
    return tuple(
        AnnotatorFile(repo, name, subfolder, sha256, control_types, preprocessors) for name, sha256 in files
    )


ANNOTATOR_FILES: Final[tuple[AnnotatorFile, ...]] = (
    *_files(
        ("hed", "fakescribbles"),
        ("HEDPreprocessor", "FakeScribblePreprocessor"),
        ("ControlNetHED.pth", "5ca93762ffd68a29fee1af9d495bf6aab80ae86f08905fb35472a083a4c7a8fa"),
    ),
    *_files(
        ("depth",),
        ("LeReS-DepthMapPreprocessor",),
        ("res101.pth", "1d696b2ef3e8336b057d0c15bc82d2fecef821bfebe5ef9d7671a5ec5dde520b"),
        ("latest_net_G.pth", "50ec735d74ed6499562d898f41b49343e521808b8dae589aa3c2f5c9ac9f7462"),
    ),
    *_files(
        ("openpose",),
        ("OpenposePreprocessor",),
        ("body_pose_model.pth", "25a948c16078b0f08e236bda51a385d855ef4c153598947c28c0d47ed94bb746"),
        ("hand_pose_model.pth", "b76b00d1750901abd07b9f9d8c98cc3385b8fe834a26d4b4f0aad439e75fc600"),
        ("facenet.pth", "8beb52e548624ffcc4aed12af7aee7dcbfaeea420c75609fee999fe7add79d43"),
    ),
    *_files(
        ("seg",),
        ("SemSegPreprocessor",),
        ("upernet_global_small.pth", "bebfa1264c10381e389d8065056baaadbdadee8ddc6e36770d1ec339dc84d970"),
    ),
    *_files(
        ("mlsd", "hough"),
        ("M-LSDPreprocessor",),
        ("mlsd_large_512_fp32.pth", "5696f168eb2c30d4374bbfd45436f7415bb4d88da29bea97eea0101520fba082"),
    ),
    *_files(
        ("lineart",),
        ("LineArtPreprocessor",),
        ("sk_model.pth", "c686ced2a666b4850b4bb6ccf0748031c3eda9f822de73a34b8979970d90f0c6"),
        ("sk_model2.pth", "30a534781061f34e83bb9406b4335da4ff2616c95d22a585c1245aa8363e74e0"),
    ),
    *_files(
        ("lineart_anime",),
        ("AnimeLineArtPreprocessor",),
        ("netG.pth", "ccabdcc3f5cf3c07cf65d58776acb21df7dfda825cdc70c9766a93fd62bfc488"),
    ),
    *_files(
        ("lineart_anime_denoise",),
        ("Manga2Anime_LineArt_Preprocessor",),
        ("erika.pth", "badbd6baf013cefbd98993307b02cc14a26c770d067416e4fdecc8720b88feeb"),
    ),
    *_files(
        ("pidinet", "scribble_pidinet"),
        ("PiDiNetPreprocessor", "Scribble_PiDiNet_Preprocessor"),
        ("table5_pidinet.pth", "80860ac267258b5f27486e0ef152a211d0b08120f62aeb185a050acc30da486c"),
    ),
    *_files(
        ("teed",),
        ("TEEDPreprocessor",),
        ("7_model.pth", "b9037964149c55156c6adbffdfbd7e8ca7d2ef2a4d90573520efa7f3a1aacf06"),
        repo="bdsqlsz/qinglong_controlnet-lllite",
        subfolder="Annotators",
    ),
    *_files(
        ("normal_bae",),
        ("BAE-NormalMapPreprocessor",),
        ("scannet.pt", "03dbf1600c51ee3d45c29f77b77bf1a3b7a24c3452dba62a4ae658f37330c209"),
    ),
    *_files(
        ("depth_anything_v2",),
        ("DepthAnythingV2Preprocessor",),
        ("depth_anything_v2_vitl.pth", "a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345"),
        repo="depth-anything/Depth-Anything-V2-Large",
    ),
)
