"""Configuration of the lit suite: which files are tests, and the tools they may call.

A test names a tool by its plain name; the substitutions below put the built
tool's full path in its place, so no test depends on PATH.
"""

import os
import shutil

import lit.formats

config.name = "Ladon"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".attn", ".mlir", ".test"]
config.excludes = ["Inputs", "unit", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.ladon_obj_root, "test")


def tool(name, path):
    """Replaces `name` where it stands as a whole word, outside of paths."""
    config.substitutions.append((rf"(?<![\w./%=-])\b{name}\b(?![\w./-])", path))


for built in ["ladon-call-aarch64", "ladon-opt", "ladon-halide", "ladon"]:
    path = os.path.join(config.ladon_bin_dir, built)
    config.substitutions.append((f"%{built}\\b", path))
    tool(built, path)
    if os.path.exists(path):
        config.available_features.add(built)

for llvm_tool in ["FileCheck", "mlir-opt", "mlir-translate", "not", "count", "split-file"]:
    tool(llvm_tool, os.path.join(config.llvm_bin_dir, llvm_tool))

# The assembler of the CUDA toolkit, where the compiler looks for it.
toolkit = [os.path.join(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "bin")]
if shutil.which("ptxas", path=os.pathsep.join(toolkit + [os.environ["PATH"]])):
    config.available_features.add("ptxas")

config.substitutions.append(("%built_bin", config.ladon_bin_dir))
plugin = os.path.join(config.ladon_obj_root, "lib", "LadonPlugin.so")
config.substitutions.append(("%plugin", plugin))
if os.path.exists(plugin):
    config.available_features.add("plugin")
config.substitutions.append(("%llvm_bin", config.llvm_bin_dir))
config.substitutions.append(("%llvm_lib", os.path.join(config.llvm_bin_dir, "../lib")))
config.substitutions.append(("%clang", "clang-22"))
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%source", config.ladon_src_root))
config.environment["LC_ALL"] = "C.UTF-8"
# The switches of scripts/mutate --source.
for name in ["LADON_MUTANT", "LADON_MUTANTS_REACHED"]:
    if name in os.environ:
        config.environment[name] = os.environ[name]
