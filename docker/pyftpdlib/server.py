"""pyftpdlib with two accounts; everything comes from the environment that serve.sh describes."""

import logging
import os

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer


def env(name):
    return os.environ["FTPSPEC_" + name]


class HandedOver(TLS_FTPHandler.active_dtp):
    """An active data connection that forgets its descriptor once the connection has been handed to the transfer.

    pyftpdlib 2.2.0 closes it again at the session's next EPSV or at its end. By then the number may belong to a connection of
    somebody else, which is never served again. Without this the verdict of a scenario would depend on its neighbours.
    """

    handed_over = False

    def handle_connect(self):
        super().handle_connect()
        self.handed_over = True

    def del_channel(self, *args, **kwargs):
        if not self.handed_over:
            super().del_channel(*args, **kwargs)


class Handler(TLS_FTPHandler):
    active_dtp = HandedOver
    certfile = env("CERT")
    keyfile = env("KEY")
    # Where login and transfers in clear are allowed, the order of commands can be examined.
    tls_control_required = bool(os.environ["TLS_REQUIRED"])
    tls_data_required = bool(os.environ["TLS_REQUIRED"])
    masquerade_address = os.environ.get("FTPSPEC_PASV_ADDRESS") or None
    passive_ports = range(int(env("PASSIVE_MIN")), int(env("PASSIVE_MAX")) + 1)
    authorizer = DummyAuthorizer()


for suffix in ("", "2"):
    name = env("USER" + suffix)
    home = os.path.join(env("STATE"), "homes", name)
    Handler.authorizer.add_user(name, env("PASSWORD" + suffix), home, perm="elradfmwMT")

logging.basicConfig(level=logging.DEBUG)
FTPServer((env("ADDRESS"), int(env("PORT"))), Handler).serve_forever()
