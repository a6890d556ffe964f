"""A server of AsyncSSH, for the tests: everything that the library can do is allowed.

    python asyncssh_server.py DIR

DIR holds host_* (host keys), keys/authorized_keys, user, password and code. It listens on 127.0.0.1 and says on which port.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

import asyncssh
from asyncssh import compression, encryption, kex, mac

from terminal import Terminal

DIR = Path(sys.argv[1])
USER, PASSWORD, CODE = ((DIR / name).read_text() for name in ("user", "password", "code"))
# What is to be changed into the password.
EXPIRED = "expired"
REKEY_BYTES = 1 << 20


def usable(algorithms):
    # GSSAPI needs a realm.
    return [name.decode() for name in algorithms if not name.startswith(b"gss-")]


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        if (username, password) == (USER, EXPIRED):
            raise asyncssh.PasswordChangeRequired("It has expired.")
        return (username, password) == (USER, PASSWORD)

    def change_password(self, username, old_password, new_password):
        if (username, old_password) != (USER, EXPIRED):
            return False
        if new_password != PASSWORD:
            raise asyncssh.PasswordChangeRequired("Not this one.")
        return True

    def kbdint_auth_supported(self):
        return True

    def get_kbdint_challenge(self, username, lang, submethods):
        self.round = 1
        return "Login", "Two questions.", "", [("Password: ", False)]

    def validate_kbdint_response(self, username, responses):
        if username != USER or list(responses) != [(PASSWORD, CODE)[self.round - 1]]:
            return False
        if self.round == 2:
            return True
        self.round = 2
        return "", "", "", [("Code: ", True)]

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True

    def server_requested(self, listen_host, listen_port):
        return True


async def handle(process):
    terminal = None
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    environment = {"PATH": "/usr/bin:/bin", **{name: value for name, value in process.env.items()}}
    if process.term_type is not None:
        terminal = Terminal(process.term_size)
        environment["TERM"] = process.term_type
        pipes = terminal.pipes()
    child = await asyncio.create_subprocess_exec("/bin/sh", "-c", process.command or "exec sh", env=environment, **pipes)
    if terminal:
        terminal.started()
        output = [asyncio.create_task(from_terminal(terminal, process.stdout))]
    else:
        output = [
            asyncio.create_task(copy(child.stdout, process.stdout)),
            asyncio.create_task(copy(child.stderr, process.stderr)),
        ]
    entry = asyncio.create_task(enter(process, child, terminal))
    await asyncio.gather(*output)
    status = await child.wait()
    entry.cancel()
    if status < 0:
        process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"), False, "ended by a signal")
    else:
        process.exit(status)


async def copy(source, sink):
    while data := await source.read(1 << 16):
        sink.write(data)
        await sink.drain()


async def from_terminal(terminal, sink):
    loop = asyncio.get_running_loop()
    while data := await loop.run_in_executor(None, terminal.read):
        sink.write(data)
        await sink.drain()


async def enter(process, child, terminal):
    """What the client sends: data, its end, signals and sizes."""
    while True:
        try:
            data = await process.stdin.read(1 << 16)
        except asyncssh.SignalReceived as received:
            child.send_signal(getattr(signal, "SIG" + received.signal))
            continue
        except asyncssh.TerminalSizeChanged as change:
            terminal.resize(change.term_size)
            continue
        try:
            if terminal:
                terminal.write(data)
            elif data:
                child.stdin.write(data)
                await child.stdin.drain()
            else:
                child.stdin.close()
        except (BrokenPipeError, ConnectionResetError):
            # It did not want to know; the rest is read and thrown away.
            pass
        if not data:
            return


async def main():
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Server,
        server_host_keys=sorted(str(path) for path in DIR.glob("host_*") if path.suffix != ".pub"),
        authorized_client_keys=str(DIR / "keys" / "authorized_keys"),
        kex_algs=usable(kex.get_kex_algs()),
        encryption_algs=usable(encryption.get_encryption_algs()),
        mac_algs=usable(mac.get_mac_algs()),
        compression_algs=usable(compression.get_compression_algs()),
        process_factory=handle,
        encoding=None,
        line_editor=False,
        rekey_bytes=REKEY_BYTES,
        login_timeout=60,
    )
    print(f"listening on port {server.get_port()}", flush=True)
    await server.wait_closed()


logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
asyncssh.set_log_level("DEBUG")
asyncio.run(main())
