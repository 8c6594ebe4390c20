"""Runs a command that may write no file over some bytes, as on a full disk.

    full_disk.py BYTES CODE COMMAND...

Fails unless the command exits with the given code.
"""

import resource
import signal
import subprocess
import sys


def limit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))


code = subprocess.run(sys.argv[3:], preexec_fn=limit).returncode
if code != int(sys.argv[2]):
    sys.exit(f"exit code {code}, expected {sys.argv[2]}")
