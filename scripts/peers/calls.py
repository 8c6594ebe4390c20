"""The peers of run.py, and what a peer is.

A peer is made with (threads, options). variants(case, arrays) gives
{name: make}; make() gives (run, result): a call to time, and its output as
[B, H, S, D], or [B, S, 512] of the module. A peer may say in `note` what it made
of the last one.
"""

from ggml_peer import Ggml
from ladon_peer import Ladon
from openvino_peer import Openvino
from ort_peer import Ort
from torch_peer import Flex, Torch

# name: its class and the packages it needs
PEERS = {
    "ladon": (Ladon, ["numpy"]),
    "ort": (Ort, ["onnx", "onnxruntime"]),
    "torch": (Torch, ["torch"]),
    "flex": (Flex, ["torch"]),
    "openvino": (Openvino, ["openvino"]),
    "ggml": (Ggml, ["pywhispercpp"]),
}
