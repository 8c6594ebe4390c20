"""Command line of gpu-check; what it does and its exit codes: scripts/gpu-check."""

import argparse, pathlib, sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
HERE = pathlib.Path(__file__).resolve().parent

parser = argparse.ArgumentParser(
    prog="gpu-check", description="Checks and times code for NVIDIA GPUs."
)
parser.add_argument(
    "--prepare",
    metavar="DIR",
    help="build everything into DIR, on a machine with Ladon",
)
parser.add_argument(
    "--ladon",
    default=str(HERE.parents[1] / "build/bin/ladon"),
    help="the compiler, for --prepare",
)
parser.add_argument(
    "--target",
    default="sm_90a,sm_80",
    help="for --prepare (default: %(default)s)",
)
parser.add_argument(
    "--tiles",
    default="",
    metavar="ROWS,KEYS[,THREADS[,KEYS]]:...",
    help="for --prepare: what is timed is built with these --cuda-tile, too",
)
parser.add_argument(
    "--only",
    type=lambda text: text.split(","),
    metavar="CASE,...",
    help="these cases",
)
parser.add_argument(
    "--dir",
    type=pathlib.Path,
    default=HERE.parent,
    help="what was prepared (default: the folder of this program)",
)
parser.add_argument(
    "--runs", type=int, default=20, help="timed runs (default: %(default)s)"
)
parser.add_argument(
    "--no-times", action="store_true", help="check results only"
)
parser.add_argument(
    "--simulate",
    action="store_true",
    help="for --prepare: for the simulated driver",
)
parser.add_argument(
    "--driver",
    default="libcuda.so.1",
    help="the library of the driver (default: %(default)s)",
)
parser.add_argument(
    "--json",
    type=pathlib.Path,
    help="where all figures go (default: gpu-check.json in --dir)",
)
options = parser.parse_args()

if options.prepare:
    from prepare import prepare

    prepare(options)
else:
    from check import check

    sys.exit(check(options))
