"""Compiled attention: any mask, any score, in a few lines.

    import ladon, numpy

    local = ladon.compile('''
        attention local(q: f32[B, 8, S, 64], k: f32[B, 8, S, 64], v: f32[B, 8, S, 64])
            -> f32[B, 8, S, 64] {
          return attend(q, k, v, mask = causal and window(256, 0))
        }''')
    o = local(q, k, v)          # NumPy arrays, PyTorch tensors, anything with DLPack

A spec's language is in docs/language.md. `ladon.torch` has a drop-in for
FlexAttention, `ladon.onnx` reads attention out of ONNX models.
"""

# What takes long to import is imported where it is used: `import ladon` should
# cost nothing that can be felt.
from ._compile import compile
from ._errors import CallError, CompilerError, Diagnostic, SpecError
from ._kernel import Kernel, Parameter, Picture
from ._program import version as __version__

__all__ = ["CallError", "CompilerError", "Diagnostic", "Kernel", "Parameter", "Picture",
           "SpecError", "compile"]
