"""A server of Paramiko, for the tests: everything that the library can do is allowed.

    python paramiko_server.py DIR

DIR holds host_* (host keys), keys/authorized_keys, user, password and code. It listens on 127.0.0.1 and says on which port.
"""

import logging
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import paramiko
from paramiko.common import MSG_CHANNEL_REQUEST, cMSG_CHANNEL_REQUEST
from paramiko.packet import Packetizer

from terminal import Terminal

DIR = Path(sys.argv[1])
USER, PASSWORD, CODE = ((DIR / name).read_text() for name in ("user", "password", "code"))
HOST_KEYS = [
    paramiko.PKey.from_path(path) for path in sorted(DIR.glob("host_*")) if path.suffix != ".pub"
]
# The library checks no certificates.
AUTHORIZED = {
    line.split()[1]
    for line in (DIR / "keys" / "authorized_keys").read_text().splitlines()
    if not line.startswith("cert-authority")
}

# It asks for new keys after so many bytes, in either direction. From then on it waits for the other side's keys before it
# answers anything, and cannot read them while it waits; so a request that is under way at that moment ends the session, and
# a test makes no request after so much data.
Packetizer.REKEY_BYTES = 3 << 20


class Server(paramiko.ServerInterface):
    def __init__(self, transport):
        self.transport = transport
        self.terminals = {}
        self.environments = {}
        self.targets = {}
        self.channels = []
        self.commands = {}
        self.round = 1

    def get_allowed_auths(self, username):
        return "password,publickey,keyboard-interactive"

    def check_auth_password(self, username, password):
        return verdict((username, password) == (USER, PASSWORD))

    def check_auth_publickey(self, username, key):
        return verdict(username == USER and key.get_base64() in AUTHORIZED)

    def check_auth_interactive(self, username, submethods):
        self.round = 1 if username == USER else 0
        return paramiko.InteractiveQuery("Login", "Two questions.", ("Password: ", False))

    def check_auth_interactive_response(self, responses):
        if responses != [{1: PASSWORD, 2: CODE}.get(self.round)]:
            return paramiko.AUTH_FAILED
        if self.round == 2:
            return paramiko.AUTH_SUCCESSFUL
        self.round = 2
        return paramiko.InteractiveQuery("", "", ("Code: ", True))

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        try:
            self.targets[chanid] = socket.create_connection(destination)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, channel, term, width, height, pixelwidth, pixelheight, modes):
        self.terminals[channel.get_id()] = Terminal((width, height))
        self.environments.setdefault(channel.get_id(), {})["TERM"] = term.decode()
        return True

    def check_channel_window_change_request(self, channel, width, height, pixelwidth, pixelheight):
        self.terminals[channel.get_id()].resize((width, height))
        return True

    def check_channel_env_request(self, channel, name, value):
        self.environments.setdefault(channel.get_id(), {})[name.decode()] = value.decode()
        return True

    def check_channel_shell_request(self, channel):
        return self.check_channel_exec_request(channel, b"exec sh")

    def check_channel_exec_request(self, channel, command):
        terminal = self.terminals.get(channel.get_id())
        environment = {"PATH": "/usr/bin:/bin", **self.environments.get(channel.get_id(), {})}
        self.commands[channel.get_id()] = (self.transport, channel, command, environment, terminal)
        return True


def handle_request(channel, message):
    """Runs a command once its request is answered: one that ends at once would close the channel before the answer."""
    paramiko.Channel._handle_request(channel, message)
    command = channel.transport.server_object.commands.pop(channel.get_id(), None)
    if command:
        start(run, *command)


paramiko.Transport._channel_handler_table[MSG_CHANNEL_REQUEST] = handle_request


def verdict(accepted):
    return paramiko.AUTH_SUCCESSFUL if accepted else paramiko.AUTH_FAILED


def start(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def run(transport, channel, command, environment, terminal):
    pipes = terminal.pipes() if terminal else {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    child = subprocess.Popen(["/bin/sh", "-c", command], env=environment, bufsize=0, **pipes)
    if terminal:
        terminal.started()
        outputs = [start(copy, terminal.read, channel.sendall)]
    else:
        outputs = [
            start(copy, lambda: child.stdout.read(1 << 16), channel.sendall),
            start(copy, lambda: child.stderr.read(1 << 16), channel.sendall_stderr),
        ]
    start(enter, channel, child, terminal)
    for output in outputs:
        output.join()
    status = child.wait()
    if status < 0:
        send_exit_signal(transport, channel, signal.Signals(-status).name.removeprefix("SIG"))
    else:
        channel.send_exit_status(status)
    channel.close()


def copy(read, write):
    while data := read():
        write(data)


def enter(channel, child, terminal):
    """What the client sends, and its end."""
    open_still = True
    while data := channel.recv(1 << 16):
        try:
            if terminal:
                terminal.write(data)
            elif open_still:
                write_all(child.stdin, data)
        except OSError:
            # It did not want to know; the rest is read and thrown away.
            open_still = False
    if not terminal:
        child.stdin.close()


def write_all(pipe, data):
    while data:
        data = data[pipe.write(data) :]


def send_exit_signal(transport, channel, name):
    """The library has no call for it."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("exit-signal")
    message.add_boolean(False)
    message.add_string(name)
    message.add_boolean(False)
    message.add_string("ended by a signal")
    message.add_string("")
    transport._send_user_message(message)


def relay(channel, target):
    def forth():
        copy(lambda: channel.recv(1 << 16), target.sendall)
        target.shutdown(socket.SHUT_WR)

    start(forth)
    copy(lambda: target.recv(1 << 16), channel.sendall)
    channel.close()


def serve(connection):
    transport = paramiko.Transport(connection)
    transport.use_compression()
    for key in HOST_KEYS:
        transport.add_server_key(key)
    server = Server(transport)
    try:
        transport.start_server(server=server)
    except (paramiko.SSHException, EOFError) as error:
        print(f"no session: {error}", flush=True)
        return
    while transport.is_active():
        channel = transport.accept(1)
        if channel is None:
            continue
        # The library closes a channel that nobody refers to.
        server.channels.append(channel)
        if channel.get_id() in server.targets:
            start(relay, channel, server.targets.pop(channel.get_id()))


def main():
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    # Without groups of its own it does not offer the group exchange.
    paramiko.Transport.load_server_moduli()
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    print(f"listening on port {listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        start(serve, connection)


main()
