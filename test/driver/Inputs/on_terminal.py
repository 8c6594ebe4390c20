"""Runs a command whose standard error is a terminal.

    on_terminal.py [--term NAME] [--columns N] COMMAND...

Its standard output stays what it is. What it wrote to the terminal is printed with
`<erase>` for what takes a line away, at the end of the last of its lines; the exit
code is the command's.
"""

import argparse
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

parser = argparse.ArgumentParser()
parser.add_argument("--term", default="xterm")
parser.add_argument("--columns", type=int, default=80)
parser.add_argument("command", nargs=argparse.REMAINDER)
options = parser.parse_args()

ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, options.columns, 0, 0))
child = subprocess.Popen(options.command, stderr=theirs, env=os.environ | {"TERM": options.term})
os.close(theirs)
said = b""
while True:
    try:
        read = os.read(ours, 4096)
    except OSError:  # Linux says so when nobody has the other end any more.
        break
    if not read:
        break
    said += read
code = child.wait()
text = said.decode().replace("\r\x1b[K", "<erase>\n").replace("\r\n", "\n")
print("terminal:", text, sep="\n", end="<end>\n")
sys.exit(code)
