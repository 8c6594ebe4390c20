"""Runs the textual pipeline that --dump-pass-pipeline wrote to a file.

usage: rerun_pipeline.py LADON-OPT PIPELINE-FILE MODULE
"""

import subprocess
import sys

tool, pipeline, module = sys.argv[1:]
with open(pipeline) as text:
    lines = [line.strip() for line in text]
start = next(i for i, line in enumerate(lines) if line.startswith("builtin.module"))
sys.exit(subprocess.call([tool, "--pass-pipeline=" + "".join(lines[start:]), module]))
