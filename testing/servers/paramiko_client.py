"""Runs what a test asks for by Paramiko. Arguments: port, user, key file, action."""

import socket
import sys
import threading

import paramiko
from paramiko.kex_gex import KexGexSHA256

MEGABYTE = 1 << 20


def main():
    port, user, key, action = sys.argv[1:5]
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        "127.0.0.1", int(port), user, key_filename=key, allow_agent=False, look_for_keys=False, timeout=60
    )
    globals()[action](client)
    client.close()
    print("passed")


def command(client):
    stdin, stdout, stderr = client.exec_command("cat; echo err >&2; exit 7")
    stdin.write("in")
    stdin.channel.shutdown_write()
    assert stdout.read() == b"in"
    assert stderr.read() == b"err\n"
    assert stdout.channel.recv_exit_status() == 7


def shell(client):
    channel = client.invoke_shell("vt100", 91, 37)
    channel.settimeout(60)
    channel.send("echo \"<$(stty size)>\" $TERM; exit 5\r")
    told = b""
    while True:
        data = channel.recv(4096)
        if not data:
            break
        told += data
    assert b"<37 91> vt100" in told, told
    assert channel.recv_exit_status() == 5


def data(client):
    """Both ways at once, with the keys changed meanwhile."""
    pass_data(client, client.get_transport().renegotiate_keys)


def data_alone(client):
    """The same with a server that changes the keys: when both sides begin in the same moment, each of Paramiko's threads
    proposes for itself, and it verifies the server's signature over the wrong proposal."""
    pass_data(client, lambda: None)


def pass_data(client, between):
    stdin, stdout, _ = client.exec_command("cat")
    sent = bytes(range(256)) * (4 * MEGABYTE // 256)

    def write():
        for at in range(0, len(sent), MEGABYTE):
            stdin.channel.sendall(sent[at : at + MEGABYTE])
            between()
        stdin.channel.shutdown_write()

    writer = threading.Thread(target=write)
    writer.start()
    assert stdout.read() == sent
    writer.join()


def forward(client):
    """To a port, and from one."""
    transport = client.get_transport()
    listener = socket.create_server(("127.0.0.1", 0))
    channel = transport.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 7))
    accepted, _ = listener.accept()
    accepted.sendall(b"hello")
    assert channel.recv(5) == b"hello"
    accepted.close()
    assert channel.recv(1) == b""
    channel.close()
    port = transport.request_port_forward("127.0.0.1", 0)
    assert port > 0
    connected = socket.create_connection(("127.0.0.1", port))
    channel = transport.accept(60)
    connected.sendall(b"hello")
    assert channel.recv(5) == b"hello"
    transport.cancel_port_forward("127.0.0.1", port)


def old_group_exchange(client):
    """New keys by a group that is asked for as it was done before RFC 4419."""
    start = KexGexSHA256.start_kex
    asked = []

    def start_old(self):
        asked.append(self)
        start(self, _test_old_style=True)

    KexGexSHA256.start_kex = start_old
    transport = client.get_transport()
    transport.get_security_options().kex = (KexGexSHA256.name,)
    transport.renegotiate_keys()
    assert len(asked) == 1 and asked[0].old_style
    command(client)


main()
