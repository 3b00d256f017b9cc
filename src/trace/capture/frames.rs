//! Makes TCP/IP frames around captured bytes: a handshake, data with true sequence numbers, FIN or RST, correct
//! checksums; IPv4 and IPv6.
//!
//! RFC 9293 section 3.1. Three things are made up and said so in the file: the three frames of the handshake (only that
//! it took place is known), the server's port of control connections (the well-known one, so that FTP is recognised),
//! and one SYN in front of each protected data connection, see [`Framer::mark_as_tls`].

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::PacketBuilder;

use super::collector::{Captured, Connection, Piece, PieceKind, TcpEnd};
use crate::trace::Direction;

/// Largest payload of one frame; an IPv4 packet has 65535 bytes with its headers.
const SEGMENT: usize = 60_000;
/// Frames without content that stand for bytes that were not kept, for each piece; what is more is a gap.
const EMPTY_FRAMES: usize = 500;
/// Where control connections are shown: Wireshark knows FTP, and TLS behind AUTH TLS, by this port.
const FTP_PORT: u16 = 21;
/// The same of implicit TLS.
const FTPS_PORT: u16 = 990;
const WINDOW: u16 = 65_535;
const HOPS: u8 = 64;

/// One frame: an IP packet and how long it was when not all of it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Offset from the start of the case.
    pub(super) at: Duration,
    pub(super) packet: Vec<u8>,
    /// Length on the wire.
    pub(super) original: usize,
    pub(super) comment: Option<String>,
}

/// The frames of a case, in order.
pub(super) fn frames(captured: &Captured) -> Vec<Frame> {
    let mut framer = Framer {
        flows: captured
            .connections
            .iter()
            .enumerate()
            .map(|(number, connection)| Flow::new(number, connection, captured))
            .collect(),
        frames: Vec::new(),
    };
    for piece in &captured.pieces {
        framer.add(piece);
    }
    framer.frames
}

/// One connection, client first.
struct Flow {
    name: String,
    /// Client and server as shown.
    ends: [SocketAddr; 2],
    /// Where the server really was, when that is not what is shown.
    moved_from: Option<u16>,
    /// Next sequence number of client and server.
    next: [u32; 2],
    /// Whether we are the client of TCP.
    from_here: bool,
    /// Whether it is a data connection that speaks TLS.
    is_private_data: bool,
    has_reset: bool,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    syn: bool,
    ack: bool,
    fin: bool,
    rst: bool,
    psh: bool,
}

impl Flow {
    fn new(number: usize, connection: &Connection, captured: &Captured) -> Self {
        let start = &connection.start;
        let (local, peer) = (start.local, start.peer);
        let mut ends = if start.from_here {
            [local, peer]
        } else {
            [peer, local]
        };
        let is_data = start.channel.is_data();
        let mut moved_from = None;
        if !is_data {
            let shown = if starts_with_tls(number, captured) {
                FTPS_PORT
            } else {
                FTP_PORT
            };
            moved_from = Some(ends[1].port()).filter(|port| *port != shown);
            ends[1].set_port(shown);
        }
        // Different for each connection and the same in every run.
        let first = u32::try_from(number).unwrap_or(0).wrapping_mul(0x0101_0000);
        Self {
            name: start.channel.to_string(),
            ends,
            moved_from,
            next: [first.wrapping_add(0x1000_0000), first.wrapping_add(0x8000_0000)],
            from_here: start.from_here,
            is_private_data: is_data && connection.has_tls,
            has_reset: false,
        }
    }

    /// 0 when the client sends, 1 when the server does.
    fn side(&self, direction: Direction) -> usize {
        usize::from((direction == Direction::Sent) != self.from_here)
    }
}

/// Whether the first bytes of the connection are a ClientHello: implicit TLS.
fn starts_with_tls(number: usize, captured: &Captured) -> bool {
    let mut own = captured.pieces.iter().filter(|piece| piece.connection == number);
    own.find_map(|piece| match &piece.kind {
        PieceKind::Bytes { direction, kept, .. } => {
            Some(*direction == Direction::Sent && kept.starts_with(&[22, 3]))
        }
        PieceKind::Opened | PieceKind::Ended { .. } => None,
    })
    .unwrap_or(false)
}

struct Framer {
    flows: Vec<Flow>,
    frames: Vec<Frame>,
}

impl Framer {
    fn add(&mut self, piece: &Piece) {
        let (at, number) = (piece.at, piece.connection);
        match &piece.kind {
            PieceKind::Opened => self.open(at, number),
            PieceKind::Bytes {
                direction,
                length,
                kept,
                ..
            } => {
                let Some(side) = self.flows.get(number).map(|flow| flow.side(*direction)) else {
                    return;
                };
                for segment in kept.chunks(SEGMENT) {
                    self.push(at, number, side, DATA, Payload::Kept(segment), None);
                }
                self.add_unkept(at, number, side, length.saturating_sub(kept.len() as u64));
            }
            PieceKind::Ended { direction, end } => self.end(at, number, *direction, *end),
        }
    }

    fn open(&mut self, at: Duration, number: usize) {
        let Some(flow) = self.flows.get(number) else {
            return;
        };
        let mut comment = flow.name.clone();
        if let Some(port) = flow.moved_from {
            comment.push_str(&format_moved(port, flow.ends[1].port()));
        }
        if flow.is_private_data {
            self.mark_as_tls(at, number);
        }
        let syn = Flags {
            syn: true,
            ..Flags::default()
        };
        let syn_ack = Flags {
            syn: true,
            ack: true,
            ..Flags::default()
        };
        self.push(at, number, 0, syn, Payload::None, Some(comment));
        self.push(at, number, 1, syn_ack, Payload::None, None);
        self.push(at, number, 0, ACK, Payload::None, None);
    }

    /// From the reply to PASV or EPSV Wireshark concludes that the connection to that port is FTP data in clear, and
    /// does not look for TLS in it. A SYN with another sequence number in front makes it take the connection for a
    /// new one of which it knows nothing; then it finds the TLS.
    fn mark_as_tls(&mut self, at: Duration, number: usize) {
        let Some(flow) = self.flows.get_mut(number) else {
            return;
        };
        let first = flow.next[0];
        flow.next[0] = first.wrapping_sub(0x0001_0000);
        let syn = Flags {
            syn: true,
            ..Flags::default()
        };
        let comment =
            "not on the wire: added so that Wireshark looks for TLS in the next connection and does not \
                       take it for FTP data in clear"
                .to_owned();
        self.push(at, number, 0, syn, Payload::None, Some(comment));
        if let Some(flow) = self.flows.get_mut(number) {
            flow.next[0] = first;
        }
    }

    /// Bytes that were not kept: frames of the right length without their content, then a gap.
    fn add_unkept(&mut self, at: Duration, number: usize, side: usize, length: u64) {
        let mut rest = length;
        for count in 0..EMPTY_FRAMES {
            if rest == 0 {
                return;
            }
            let now = usize::try_from(rest).unwrap_or(SEGMENT).min(SEGMENT);
            let comment = (count == 0).then(|| format!("{length} bytes were not kept from here on"));
            self.push(at, number, side, DATA, Payload::Unkept(now), comment);
            rest -= now as u64;
        }
        if let Some(next) = self
            .flows
            .get_mut(number)
            .and_then(|flow| flow.next.get_mut(side))
        {
            // Sequence numbers wrap at 4 GiB.
            *next = next.wrapping_add(u32::try_from(rest & u64::from(u32::MAX)).unwrap_or(0));
        }
    }

    fn end(&mut self, at: Duration, number: usize, direction: Direction, end: TcpEnd) {
        let Some(flow) = self.flows.get_mut(number).filter(|flow| !flow.has_reset) else {
            return;
        };
        let side = flow.side(direction);
        flow.has_reset = end == TcpEnd::Reset;
        match end {
            TcpEnd::Fin => {
                let fin = Flags { fin: true, ..ACK };
                self.push(at, number, side, fin, Payload::None, None);
                self.push(at, number, 1 - side, ACK, Payload::None, None);
            }
            TcpEnd::Reset => {
                let rst = Flags { rst: true, ..ACK };
                self.push(at, number, side, rst, Payload::None, None);
            }
        }
    }

    fn push(
        &mut self,
        at: Duration,
        number: usize,
        side: usize,
        flags: Flags,
        payload: Payload<'_>,
        comment: Option<String>,
    ) {
        let Some(flow) = self.flows.get_mut(number) else {
            return;
        };
        let other = 1 - side.min(1);
        let (from, to) = (flow.ends[1 - other], flow.ends[other]);
        let (sequence, acknowledged) = (flow.next[1 - other], flow.next[other]);
        let zeros;
        let (bytes, cut) = match payload {
            Payload::None => (&[][..], 0),
            Payload::Kept(bytes) => (bytes, 0),
            Payload::Unkept(length) => {
                zeros = vec![0; length];
                (zeros.as_slice(), length)
            }
        };
        let mut packet = build(
            from,
            to,
            sequence,
            flags.ack.then_some(acknowledged),
            flags,
            bytes,
        );
        let original = packet.len();
        packet.truncate(original - cut);
        let used = bytes.len() + usize::from(flags.syn) + usize::from(flags.fin);
        flow.next[1 - other] = sequence.wrapping_add(u32::try_from(used).unwrap_or(0));
        self.frames.push(Frame {
            at,
            packet,
            original,
            comment,
        });
    }
}

const ACK: Flags = Flags {
    ack: true,
    syn: false,
    fin: false,
    rst: false,
    psh: false,
};
const DATA: Flags = Flags { psh: true, ..ACK };

enum Payload<'a> {
    None,
    Kept(&'a [u8]),
    /// That many bytes, of which nothing is known but their number.
    Unkept(usize),
}

fn format_moved(port: u16, shown: u16) -> String {
    format!(", really to port {port}; shown as {shown} so that Wireshark knows the protocol")
}

/// An IP packet with a TCP segment, checksums included.
fn build(
    from: SocketAddr,
    to: SocketAddr,
    sequence: u32,
    acknowledged: Option<u32>,
    flags: Flags,
    payload: &[u8],
) -> Vec<u8> {
    let ip = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (from, to) => PacketBuilder::ipv6(octets(from), octets(to), HOPS),
    };
    let mut tcp = ip.tcp(from.port(), to.port(), sequence, WINDOW);
    if let Some(number) = acknowledged {
        tcp = tcp.ack(number);
    }
    if flags.syn {
        tcp = tcp.syn();
    }
    if flags.fin {
        tcp = tcp.fin();
    }
    if flags.rst {
        tcp = tcp.rst();
    }
    if flags.psh {
        tcp = tcp.psh();
    }
    let mut packet = Vec::with_capacity(tcp.size(payload.len()));
    // Writing to memory fails for a payload beyond 65535 bytes only, and segments are smaller.
    if tcp.write(&mut packet, payload).is_err() {
        packet.clear();
    }
    packet
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
