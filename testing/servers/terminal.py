"""A pseudo terminal for a command of a server."""

import fcntl
import os
import termios


class Terminal:
    """The two ends; `size` is columns, rows, and the same in pixels."""

    def __init__(self, size):
        self.master, self.slave = os.openpty()
        self.resize(size)

    def pipes(self):
        """What the command is started with: the terminal is its standard input, output and error, and controls it."""
        return {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave, "preexec_fn": self._control}

    def _control(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def started(self):
        """The command has its end now, so that ours sees it close."""
        os.close(self.slave)

    def resize(self, size):
        columns, rows = size[0], size[1]
        termios.tcsetwinsize(self.master, (rows, columns))

    def read(self):
        """The next output; nothing when the command has closed its end, which Linux tells by an error."""
        try:
            return os.read(self.master, 1 << 16)
        except OSError:
            return b""

    def write(self, data):
        """Types it. The end of the input is control-D."""
        data = data or b"\x04"
        while data:
            data = data[os.write(self.master, data) :]
