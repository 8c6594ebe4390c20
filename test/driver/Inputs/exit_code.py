"""Runs a command and fails unless it exits with the given code.

    exit_code.py CODE COMMAND...
"""

import subprocess
import sys

code = subprocess.run(sys.argv[2:]).returncode
if code != int(sys.argv[1]):
    print(f"exit code {code}, expected {sys.argv[1]}", file=sys.stderr)
    sys.exit(1)
