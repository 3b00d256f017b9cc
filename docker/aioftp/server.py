"""aioftp with two accounts and implicit TLS; everything comes from the environment that serve.sh describes."""

import asyncio
import logging
import os
import ssl

import aioftp


def env(name):
    return os.environ["FTPSPEC_" + name]


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(env("CERT"), env("KEY"))
    users = [
        aioftp.User(
            env("USER" + suffix),
            env("PASSWORD" + suffix),
            base_path=os.path.join(env("STATE"), "homes", env("USER" + suffix)),
        )
        for suffix in ("", "2")
    ]
    server = aioftp.Server(
        users,
        ssl=context,
        data_ports=range(int(env("PASSIVE_MIN")), int(env("PASSIVE_MAX")) + 1),
        ipv4_pasv_forced_response_address=os.environ.get("FTPSPEC_PASV_ADDRESS") or None,
        # Its own is one second for a data connection and its handshake; on a busy machine that says more about the machine.
        wait_future_timeout=8,
    )
    await server.run(env("ADDRESS"), int(env("PORT")))


logging.basicConfig(level=logging.DEBUG)
asyncio.run(main())
