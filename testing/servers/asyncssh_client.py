"""Runs what a test asks for by AsyncSSH. Arguments: port, user, key file, action."""

import asyncio
import sys

import asyncssh

MEGABYTE = 1 << 20


async def main():
    port, user, key, action = sys.argv[1:5]
    async with asyncssh.connect(
        "127.0.0.1",
        int(port),
        username=user,
        client_keys=[key],
        known_hosts=None,
        agent_path=None,
        config=None,
        rekey_bytes=MEGABYTE,
    ) as connection:
        await globals()[action](connection)
    print("passed")


async def command(connection):
    result = await connection.run("cat; echo err >&2; exit 7", input="in")
    assert (result.stdout, result.stderr, result.exit_status) == ("in", "err\n", 7), result
    result = await connection.run("kill -TERM $$")
    assert result.exit_signal[0] == "TERM", result
    process = await connection.create_process("trap 'echo got it; exit 9' USR1; echo ready; while :; do sleep 0.05; done")
    assert await process.stdout.readline() == "ready\n"
    process.send_signal("USR1")
    assert await process.stdout.readline() == "got it\n"
    assert (await process.wait()).exit_status == 9


async def shell(connection):
    process = await connection.create_process(term_type="vt100", term_size=(91, 37))
    process.stdin.write("echo \"<$(stty size)>\" $TERM; exit 5\r")
    result = await process.wait()
    assert "<37 91> vt100" in result.stdout, result
    assert result.exit_status == 5


async def data(connection):
    """Both ways at once; the keys are changed every megabyte."""
    sent = bytes(range(256)) * (4 * MEGABYTE // 256)
    result = await connection.run("cat", input=sent, encoding=None)
    assert result.stdout == sent


async def forward(connection):
    """To a port and a socket, and from a port."""

    async def greet(reader, writer):
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await connection.open_connection("127.0.0.1", port)
    assert await reader.read() == b"hello"
    writer.close()
    listener = await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", port)
    assert listener.get_port() > 0
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.get_port())
    assert await reader.read() == b"hello"
    writer.close()
    listener.close()
    await listener.wait_closed()


asyncio.run(main())
