//! A capture on disk: pcapng with the TLS secrets inside.
//!
//! The pcapng specification (draft-ietf-opsawg-pcapng): Section Header, Interface Description, Decryption Secrets with an
//! NSS key log, Enhanced Packets. Little endian, one interface of raw IP packets, microseconds.

use std::time::Duration;

use super::collector::Captured;
use super::frames::{Frame, frames};

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 0x0A;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;
/// LINKTYPE_RAW: the packet begins with its IP header, of either version.
const RAW_IP: u16 = 101;
/// `TLSK`, an NSS key log.
const TLS_KEY_LOG: u32 = 0x544C_534B;
const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const OPTION_NAME: u16 = 2;
const OPTION_APPLICATION: u16 = 4;

/// What a capture says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureLabel<'a> {
    /// The case.
    pub case: &'a str,
    /// When the case started, since the Unix epoch.
    pub started: Duration,
}

/// The capture as the content of a pcapng file.
#[must_use]
pub fn write_capture(captured: &Captured, label: CaptureLabel<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    section_header(&mut out, captured, label);
    interface(&mut out);
    if !captured.keys.is_empty() {
        secrets(&mut out, captured.key_log().as_bytes());
    }
    for frame in frames(captured) {
        packet(&mut out, label.started, &frame);
    }
    out
}

fn section_header(out: &mut Vec<u8>, captured: &Captured, label: CaptureLabel<'_>) {
    let mut body = Vec::new();
    body.extend(BYTE_ORDER.to_le_bytes());
    body.extend(1_u16.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    // The length of the section is not given.
    body.extend(u64::MAX.to_le_bytes());
    let passwords = if captured.has_passwords {
        "and the passwords that were sent"
    } else {
        "passwords are masked with *"
    };
    let mut comment = format!(
        "CONTAINS SECRETS: the TLS keys of its connections, {passwords}. Case {}. The TCP/IP frames are made by ftpspec \
         around the bytes it read and wrote.",
        label.case
    );
    if captured.is_cut {
        comment.push_str(" The end is missing: there was more than is kept.");
    }
    option(&mut body, OPTION_COMMENT, comment.as_bytes());
    let application = concat!("ftpspec ", env!("CARGO_PKG_VERSION"));
    option(&mut body, OPTION_APPLICATION, application.as_bytes());
    option(&mut body, OPTION_END, &[]);
    block(out, SECTION_HEADER, &body);
}

fn interface(out: &mut Vec<u8>) {
    let mut body = Vec::new();
    body.extend(RAW_IP.to_le_bytes());
    body.extend(0_u16.to_le_bytes());
    // No limit of the length.
    body.extend(0_u32.to_le_bytes());
    option(&mut body, OPTION_NAME, b"ftpspec");
    option(&mut body, OPTION_END, &[]);
    block(out, INTERFACE, &body);
}

fn secrets(out: &mut Vec<u8>, key_log: &[u8]) {
    let mut body = Vec::new();
    body.extend(TLS_KEY_LOG.to_le_bytes());
    body.extend(length(key_log));
    padded(&mut body, key_log);
    block(out, DECRYPTION_SECRETS, &body);
}

fn packet(out: &mut Vec<u8>, started: Duration, frame: &Frame) {
    let at = u64::try_from((started + frame.at).as_micros()).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    body.extend(0_u32.to_le_bytes());
    // The upper half comes first, in either byte order.
    body.extend(((at >> 32) as u32).to_le_bytes());
    body.extend(((at & 0xFFFF_FFFF) as u32).to_le_bytes());
    body.extend(length(&frame.packet));
    body.extend(u32::try_from(frame.original).unwrap_or(u32::MAX).to_le_bytes());
    padded(&mut body, &frame.packet);
    if let Some(comment) = &frame.comment {
        option(&mut body, OPTION_COMMENT, comment.as_bytes());
        option(&mut body, OPTION_END, &[]);
    }
    block(out, ENHANCED_PACKET, &body);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    padded(body, value);
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    const AROUND: usize = 12;
    let total = u32::try_from(body.len() + AROUND)
        .unwrap_or(u32::MAX)
        .to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(total);
    out.extend(body);
    out.extend(total);
}

fn padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    out.extend(std::iter::repeat_n(
        0,
        bytes.len().next_multiple_of(4) - bytes.len(),
    ));
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}
