"""Twenty checks as people write them with ftplib and ssl: what `cargo bench -- rate` is measured beside.

usage: checks.py HOST PORT ROUNDS     prints the number of checks that passed; ends with 1 when one did not
"""

import ftplib
import io
import re
import socket
import ssl
import sys

HOST, PORT, ROUNDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
USER, PASSWORD = "user", "pw"


def context(version=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


class Client(ftplib.FTP_TLS):
    """ftplib, whose data connections offer the session of the control connection."""

    reused = None

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
            self.reused = conn.session_reused
        return conn, size


def clear():
    client = Client(context=context())
    client.connect(HOST, PORT, timeout=10)
    return client


def protected(version=None):
    client = Client(context=context(version))
    client.connect(HOST, PORT, timeout=10)
    client.auth()
    return client


def logged_in(version=None):
    client = protected(version)
    ftplib.FTP.login(client, USER, PASSWORD, "")
    return client


def private(version=None):
    client = logged_in(version)
    client.prot_p()
    return client


def answer(client, line):
    try:
        return client.sendcmd(line)
    except (ftplib.error_perm, ftplib.error_temp) as refused:
        return str(refused)


def code(client, line, *wanted):
    return answer(client, line)[:3] in wanted


def ended(check):
    """Ends the session of a check, whatever it did."""

    def run():
        client, passed = check()
        client.close()
        return passed

    run.__name__ = check.__name__
    return run


@ended
def auth_tls_is_answered_234():
    client = clear()
    return client, code(client, "AUTH TLS", "234")


@ended
def explicit_greeting_comes_in_clear():
    client = clear()
    return client, client.getwelcome().startswith("220")


@ended
def unknown_mechanism_is_refused():
    client = clear()
    return client, code(client, "AUTH NOSUCH", "504", "534")


@ended
def syst_is_answered_215():
    client = logged_in()
    return client, code(client, "SYST", "215")


@ended
def pbsz_is_refused_in_clear():
    client = clear()
    return client, code(client, "PBSZ 0", "503", "530")


@ended
def pass_needs_user():
    client = protected()
    return client, code(client, "PASS " + PASSWORD, "503", "530")


@ended
def prot_is_refused_before_pbsz():
    client = logged_in()
    return client, code(client, "PROT P", "503")


@ended
def rename_needs_its_source():
    client = logged_in()
    return client, code(client, "RNTO elsewhere", "503")


@ended
def pbsz_0_is_accepted():
    client = logged_in()
    return client, code(client, "PBSZ 0", "200")


@ended
def prot_p_protects_the_next_data_connection():
    client = private()
    lines = []
    client.retrlines("LIST", lines.append)
    return client, client.reused is not None


@ended
def unknown_level_is_refused():
    client = logged_in()
    answer(client, "PBSZ 0")
    return client, code(client, "PROT X", "504")


@ended
def feat_is_well_formed():
    client = logged_in()
    lines = answer(client, "FEAT").split("\n")
    return client, lines[0].startswith("211-") and all(line.startswith(" ") for line in lines[1:-1])


@ended
def size_is_exact():
    client = private()
    client.storbinary("STOR size.bin", io.BytesIO(b"x" * 1000))
    client.voidcmd("TYPE I")
    size = client.size("size.bin")
    client.delete("size.bin")
    return client, size == 1000


@ended
def mdtm_has_fourteen_digits():
    client = private()
    client.storbinary("STOR time.bin", io.BytesIO(b"x"))
    reply = answer(client, "MDTM time.bin")
    client.delete("time.bin")
    return client, re.fullmatch(r"213 \d{14}(\.\d+)?", reply) is not None


@ended
def nlst_gives_plain_names():
    client = private()
    client.storbinary("STOR plain.bin", io.BytesIO(b"x"))
    names = client.nlst()
    client.delete("plain.bin")
    return client, "plain.bin" in names


@ended
def mlsd_entries_are_facts_space_name():
    client = private()
    client.storbinary("STOR facts.bin", io.BytesIO(b"x"))
    names = [name for name, _ in client.mlsd()]
    client.delete("facts.bin")
    return client, "facts.bin" in names


@ended
def noop_is_answered_200():
    client = logged_in()
    return client, code(client, "NOOP", "200")


@ended
def unknown_command_is_refused():
    client = logged_in()
    return client, code(client, "NOSUCH", "500", "502")


@ended
def image_files_come_back_unchanged():
    client = private()
    content, back = bytes(range(256)) * 256, []
    client.storbinary("STOR image.bin", io.BytesIO(content))
    client.retrbinary("RETR image.bin", back.append)
    client.delete("image.bin")
    return client, b"".join(back) == content


@ended
def tls13_tickets_work_on_data():
    client = private(ssl.TLSVersion.TLSv1_3)
    lines = []
    client.retrlines("LIST", lines.append)
    return client, bool(client.reused)


CHECKS = [
    auth_tls_is_answered_234,
    explicit_greeting_comes_in_clear,
    unknown_mechanism_is_refused,
    syst_is_answered_215,
    pbsz_is_refused_in_clear,
    pass_needs_user,
    prot_is_refused_before_pbsz,
    rename_needs_its_source,
    pbsz_0_is_accepted,
    prot_p_protects_the_next_data_connection,
    unknown_level_is_refused,
    feat_is_well_formed,
    size_is_exact,
    mdtm_has_fourteen_digits,
    nlst_gives_plain_names,
    mlsd_entries_are_facts_space_name,
    noop_is_answered_200,
    unknown_command_is_refused,
    image_files_come_back_unchanged,
    tls13_tickets_work_on_data,
]


def main():
    passed = 0
    for _ in range(ROUNDS):
        for check in CHECKS:
            try:
                good = check()
            except (OSError, EOFError, socket.timeout, ssl.SSLError, ftplib.Error) as error:
                print(f"{check.__name__}: {error!r}", file=sys.stderr)
                good = False
            if good:
                passed += 1
            else:
                print(f"{check.__name__}: failed", file=sys.stderr)
    print(passed)
    sys.exit(passed != ROUNDS * len(CHECKS))


main()
