//! Steps and the arguments of their verbs.

use super::check::RawCheck;
use super::read::{OneOrMany, Table, raw_struct};
use super::scalar::{Flag, Number, Pause, RawPath, RawResume, RawTlsEnd, Text};
use super::words::One;
use crate::scenario::model::{
    AccountRef, CaptureSource, ChannelRef, Level, RecordWord, StoreCommand, TcpEnd, Tls12By,
};
use crate::trace::TlsVersion;

/// The keys of a step that are verbs.
pub(in crate::scenario) const VERBS: &[&str] = &[
    "reach",
    "provide-file",
    "store",
    "retrieve",
    "list",
    "connect",
    "send",
    "send-raw",
    "start-tls",
    "stop-tls",
    "probe-tls",
    "send-record",
    "open-data",
    "connect-data",
    "read-data",
    "write-data",
    "close-data",
    "close-control",
    "wait",
];

raw_struct! {
    /// A step: at most one verb and at most one `expect` (or `yields`), at least one of the two.
    RawStep("a step") {
        /// The step in words, for messages and reports.
        title = "title": Text,
        /// The session (the login, the control connection) that the step acts on; `main` when absent.
        session = "session": Text,
        /// Does what is still missing to get the session to a level. A macro: `ftpspec explain` shows its steps.
        reach = "reach": RawReach,
        /// Makes sure that a file is on the target, and sets `$(as.path)`, `$(as.bytes)` and `$(as.sha256)`. A macro.
        provide_file = "provide-file": RawProvideFile,
        /// A clean upload, in any legal order of preliminary reply and handshake. A macro.
        store = "store": RawStore,
        /// A clean download, in any legal order of preliminary reply and handshake. A macro.
        retrieve = "retrieve": RawRetrieve,
        /// A clean listing, in any legal order of preliminary reply and handshake. A macro.
        list = "list": RawList,
        /// Opens the control connection and, on an implicit target, starts TLS. The greeting is left to `expect`.
        connect = "connect": RawConnect,
        /// Sends one command line; CRLF is added.
        send = "send": Text,
        /// Sends bytes with chosen boundaries: one TCP segment (or TLS record) each.
        send_raw = "send-raw": RawSendRaw,
        /// Does a TLS client handshake on the control connection or the current data connection.
        start_tls = "start-tls": RawStartTls,
        /// Ends TLS with close_notify in both directions and goes on in clear, as after CCC.
        stop_tls = "stop-tls": One<ChannelRef>,
        /// Sends a hand-made ClientHello and reads the first answer. The connection is of no use afterwards.
        probe_tls = "probe-tls": RawProbeTls,
        /// Sends records that no TLS library sends of its own accord, through TLS.
        send_record = "send-record": RawSendRecord,
        /// Opens a data connection: sends PASV or EPSV and connects, or listens and sends PORT or EPRT. Consumes its own
        /// reply.
        open_data = "open-data": RawOpenData,
        /// Opens a bare TCP connection to an address; it becomes the current data connection.
        connect_data = "connect-data": RawConnectData,
        /// Reads from the current data connection.
        read_data = "read-data": RawReadData,
        /// Writes to the current data connection.
        write_data = "write-data": RawWriteData,
        /// Ends the current data connection.
        close_data = "close-data": RawClose,
        /// Ends the control connection.
        close_control = "close-control": RawClose,
        /// Lets time pass while recording what arrives.
        wait = "wait": Pause,
        /// What must be observed: one check or a list; all must hold.
        expect = "expect": OneOrMany<RawCheck>,
        /// Only below `properties/`: values, each with the checks that all hold when the property has it. The first value
        /// that fits ends the case; when none does, the next step is taken.
        yields = "yields": Table<OneOrMany<RawCheck>>,
        /// Variables set from what was observed: name and source.
        capture = "capture": Table<One<CaptureSource>>,
    }
}

raw_struct! {
    /// Arguments of `reach`.
    RawReach("`reach`", short level: One<Level>) {
        /// How far to go. Each level includes the ones before it, except `authenticated-in-clear`.
        level = "level": One<Level>,
        /// The account of the profile that logs in; `first` when absent.
        account = "account": One<AccountRef>,
        /// TLS versions to offer; the case's when absent.
        versions = "versions": OneOrMany<One<TlsVersion>>,
        /// Server name to send, or `none`; the profile's when absent.
        sni = "sni": Text,
        /// ALPN protocols to offer; none when absent.
        alpn = "alpn": OneOrMany<Text>,
        /// How TLS 1.2 resumes.
        tls12_by = "tls12-by": One<Tls12By>,
        /// Client certificate: a recipe of `certs/`, or `none`; the profile's when absent.
        certificate = "certificate": Text,
        /// The session that the handshake offers; `never` when absent.
        resume = "resume": RawResume,
    }
}

raw_struct! {
    /// Arguments of `provide-file`.
    RawProvideFile("`provide-file`") {
        /// Path on the target.
        path = "path": Text,
        /// That many pseudo-random bytes.
        bytes = "bytes": Text,
        /// This text.
        text = "text": Text,
        /// Prefix of the variables that are set; `file` when absent.
        name = "as": Text,
    }
}

raw_struct! {
    /// Arguments of `store`.
    RawStore("`store`") {
        /// Path on the target; none with STOU.
        path = "path": Text,
        /// That many pseudo-random bytes.
        bytes = "bytes": Text,
        /// This text.
        text = "text": Text,
        /// The command that uploads; STOR when absent.
        command = "command": One<StoreCommand>,
        /// Offset for a REST before the command.
        restart = "restart": Text,
        /// How the data connection comes about; the `data` axis or `any-passive` when absent.
        data = "data": RawPath,
        /// The session that the data connection offers; `control` when absent.
        resume = "resume": RawResume,
    }
}

raw_struct! {
    /// Arguments of `retrieve`.
    RawRetrieve("`retrieve`", short path: Text) {
        /// Path on the target.
        path = "path": Text,
        /// Offset for a REST before RETR.
        restart = "restart": Text,
        /// How the data connection comes about; the `data` axis or `any-passive` when absent.
        data = "data": RawPath,
        /// The session that the data connection offers; `control` when absent.
        resume = "resume": RawResume,
    }
}

raw_struct! {
    /// Arguments of `list`.
    RawList("`list`", short command: Text) {
        /// The command line, `LIST`, `NLST` or `MLSD` with or without a path; `LIST` when absent.
        command = "command": Text,
        /// Path to list, appended to the command.
        path = "path": Text,
        /// How the data connection comes about; the `data` axis or `any-passive` when absent.
        data = "data": RawPath,
        /// The session that the data connection offers; `control` when absent.
        resume = "resume": RawResume,
    }
}

raw_struct! {
    /// Arguments of `connect`; `connect: {}` has none.
    RawConnect("`connect`") {
        /// Whether TLS starts at once, whatever the profile says.
        implicit = "implicit": Flag,
        /// Our source address.
        from = "from": Text,
        /// TLS versions to offer; the case's when absent.
        versions = "versions": OneOrMany<One<TlsVersion>>,
        /// Server name to send, or `none`; the profile's when absent.
        sni = "sni": Text,
        /// ALPN protocols to offer; none when absent.
        alpn = "alpn": OneOrMany<Text>,
        /// How TLS 1.2 resumes.
        tls12_by = "tls12-by": One<Tls12By>,
        /// Client certificate: a recipe of `certs/`, or `none`; the profile's when absent.
        certificate = "certificate": Text,
        /// The session that the handshake offers; `never` when absent.
        resume = "resume": RawResume,
    }
}

raw_struct! {
    /// Arguments of `send-raw`.
    RawSendRaw("`send-raw`", short segments: OneOrMany<Text>) {
        /// One TCP segment (clear) or TLS record (protected) each. `\r`, `\n`, `\0`, `\\` and `\xNN` are escapes.
        segments = "segments": OneOrMany<Text>,
        /// `control` when absent.
        channel = "channel": One<ChannelRef>,
        /// Goes past TLS although it is on.
        clear = "clear": Flag,
    }
}

raw_struct! {
    /// Arguments of `start-tls`.
    RawStartTls("`start-tls`", short channel: One<ChannelRef>) {
        /// `control` when absent.
        channel = "channel": One<ChannelRef>,
        /// TLS versions to offer; the case's when absent.
        versions = "versions": OneOrMany<One<TlsVersion>>,
        /// Server name to send, or `none`; the profile's when absent.
        sni = "sni": Text,
        /// ALPN protocols to offer; none when absent.
        alpn = "alpn": OneOrMany<Text>,
        /// How TLS 1.2 resumes.
        tls12_by = "tls12-by": One<Tls12By>,
        /// Client certificate: a recipe of `certs/`, or `none`; the profile's when absent.
        certificate = "certificate": Text,
        /// The session that the handshake offers; `never` on control and `control` on data when absent.
        resume = "resume": RawResume,
        /// Sent as early data of TLS 1.3 under that session, whether or not its ticket allows that, with the escapes of `send-raw`.
        early_data = "early-data": Text,
    }
}

raw_struct! {
    /// Arguments of `probe-tls`.
    RawProbeTls("`probe-tls`", short channel: One<ChannelRef>) {
        /// `control` when absent.
        channel = "channel": One<ChannelRef>,
        /// Highest version offered: `ssl3.0`, `tls1.0`, `tls1.1`, `tls1.2` or `tls1.3`.
        version = "version": Text,
        /// Suites in this order, by IANA name or by group: `null`, `anon`, `export`, `rc4`, `3des`, `cbc`, `rsa`,
        /// `static-dh`, `dhe`, `ecdhe` (with an AEAD), `modern`, `unassigned`; `modern` when absent.
        suites = "suites": OneOrMany<Text>,
        /// ALPN protocols to offer; none when absent.
        alpn = "alpn": OneOrMany<Text>,
        /// Server name to send; none when absent.
        sni = "sni": Text,
        /// Bytes to send instead of a ClientHello, with the escapes of `send-raw`.
        raw = "raw": Text,
        /// Signals the fallback SCSV (RFC 7507).
        fallback_scsv = "fallback-scsv": Flag,
        /// What is special about the hello: words of the list *hello option*.
        offer = "offer": OneOrMany<Text>,
        /// Pads the hello to that many bytes (RFC 7685).
        padding = "padding": Text,
        /// Version in the record headers, one of those of `version`; `tls1.0` when absent.
        record_version = "record-version": Text,
        /// The session whose TLS 1.2 ticket or id is offered; none when absent.
        resume = "resume": RawResume,
    }
}

raw_struct! {
    /// Arguments of `send-record`.
    RawSendRecord("`send-record`", short record: One<RecordWord>) {
        /// What to send: `empty` (application data of no bytes), `key-update` (TLS 1.3, asks for one back), `oversize`
        /// (application data beyond the limit of the version) or `client-hello` (TLS 1.2, without `renegotiation_info`).
        record = "record": One<RecordWord>,
        /// `control` when absent.
        channel = "channel": One<ChannelRef>,
        /// How many, one behind the other; 1 when absent.
        count = "count": Number,
    }
}

raw_struct! {
    /// Arguments of `open-data`.
    RawOpenData("`open-data`", short path: RawPath) {
        /// How the data connection comes about. `any-passive` is EPSV, and PASV from then on when EPSV is refused as unknown.
        path = "path": RawPath,
        /// Our source address, when not the control connection's.
        from = "from": Text,
        /// Sends the command and reads the reply, but does not connect. The address can be captured.
        only_command = "only-command": Flag,
    }
}

raw_struct! {
    /// Arguments of `connect-data`.
    RawConnectData("`connect-data`", short to: Text) {
        /// `ADDRESS:PORT`, usually a captured endpoint.
        to = "to": Text,
        /// Our source address.
        from = "from": Text,
    }
}

raw_struct! {
    /// Arguments of `read-data`: `until-close`, or one of the keys.
    RawReadData("`read-data`", short until: One<UntilClose>) {
        /// `until-close`: until close_notify, FIN, reset, or a negative reply on control while nothing arrives.
        until = "until": One<UntilClose>,
        /// Until that many bytes have arrived.
        bytes = "bytes": Text,
        /// For that long.
        during = "during": Pause,
    }
}

raw_struct! {
    /// Arguments of `write-data`.
    RawWriteData("`write-data`") {
        /// That many pseudo-random bytes.
        bytes = "bytes": Text,
        /// This text.
        text = "text": Text,
        /// One TLS record per this many bytes; 16384 when absent.
        record_size = "record-size": Number,
        /// Flips a bit in the last record, so that its MAC is wrong.
        corrupt = "corrupt": Flag,
    }
}

raw_struct! {
    /// Arguments of `close-data` and `close-control`; `{}` is a clean end.
    RawClose("`close-data`", short tls: RawTlsEnd) {
        /// How TLS ends; `close-notify` when absent.
        tls = "tls": RawTlsEnd,
        /// How TCP ends; `fin` when absent.
        tcp = "tcp": One<TcpEnd>,
        /// Reads until the peer's end before closing TCP; true with `close-notify` when absent.
        drain = "drain": Flag,
    }
}

/// The word of `read-data`.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct UntilClose;

impl super::words::Word for UntilClose {
    const WHAT: &'static str = "end of reading";

    fn words() -> Vec<(&'static str, Self)> {
        vec![("until-close", Self)]
    }
}
