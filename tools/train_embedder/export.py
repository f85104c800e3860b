"""The trained network as the file that ships: one ONNX graph in 8-bit integers, checked against its float form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .graph import POOLED, Arrays, graph_of
from .pictures import Pixels
from .rounding import weight_ranges

AT_ONCE = 8
QUANTISED = ["Conv", "Add", "Clip"]


@dataclass(frozen=True, slots=True)
class Exported:
    """The file, and how near its vectors are to those before the rounding."""

    sha256: str
    bytes: int
    mean_cosine: float
    worst_cosine: float
    checked: int
    """Views that were compared; none of them was calibrated with."""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def export(weights: Arrays, calibration: Sequence[Pixels], check: Sequence[Pixels], path: Path) -> Exported:
    """Write the model to `path`, its activations scaled to what `calibration` shows, and compare both forms on `check`.

    All pictures are squares of the size that the model is to be used at.
    """
    model = graph_of(weights)
    quantise(model, calibration, path)
    exact, rounded = (vectors_of(form, check) for form in (model.SerializeToString(), path.read_bytes()))
    cosines = np.sum(exact * rounded, axis=1)
    data = path.read_bytes()
    return Exported(sha256(data).hexdigest(), len(data), float(cosines.mean()), float(cosines.min()), len(check))


def quantise(model: onnx.ModelProto, calibration: Sequence[Pixels], path: Path) -> None:
    """Static quantisation: weights signed and scaled by channel, activations unsigned, from the stem to the last block.

    GeM and the head stay in float: they are a hundredth of the work, and the third power needs the range.
    """
    with TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        onnx.save(model, exact)
        quant_pre_process(str(exact), str(exact), skip_symbolic_shape=True)
        quantize_static(
            str(exact),
            str(path),
            Calibration(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=QUANTISED,
            nodes_to_exclude=[POOLED],
            extra_options={"TensorQuantOverrides": weight_ranges(onnx.load(exact))},
        )


def vectors_of(model: bytes, pictures: Sequence[Pixels]) -> npt.NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": part})[0] for part in in_parts(pictures)])


def in_parts(pictures: Sequence[Pixels]) -> Iterator[npt.NDArray[np.uint8]]:
    for start in range(0, len(pictures), AT_ONCE):
        yield np.stack(pictures[start : start + AT_ONCE])


class Calibration(CalibrationDataReader):
    """Hands the pictures to the quantiser, a few at a time."""

    def __init__(self, pictures: Sequence[Pixels]) -> None:
        self._parts = in_parts(pictures)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        part = next(self._parts, None)
        return None if part is None else {"image": part}
