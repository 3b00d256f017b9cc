//! Captures without a network: what is kept, what is masked, and whether the frames are good ones.

use std::net::SocketAddr;
use std::time::Duration;

use etherparse::{NetSlice, SlicedPacket, TcpSlice, TransportSlice};

use super::collector::{Capture, ConnectionStart, TcpEnd};
use super::frames::{Frame, frames};
use super::{CaptureLabel, ConnectionId, write_capture};
use crate::trace::{Channel, Direction};

const AT: Duration = Duration::from_millis(5);

fn start(channel: Channel, local: &str, peer: &str) -> ConnectionStart {
    ConnectionStart {
        channel,
        local: local.parse::<SocketAddr>().unwrap(),
        peer: peer.parse::<SocketAddr>().unwrap(),
        from_here: true,
    }
}

fn control(capture: &Capture) -> ConnectionId {
    let start = start(Channel::control("main"), "127.0.0.1:40000", "127.0.0.1:2121");
    capture.open(AT, start).unwrap()
}

fn tcp(frame: &Frame) -> TcpSlice<'_> {
    match SlicedPacket::from_ip(&frame.packet).unwrap().transport {
        Some(TransportSlice::Tcp(tcp)) => tcp,
        other => panic!("{other:?}"),
    }
}

/// Panics when a checksum is wrong.
fn check_sums(frame: &Frame) {
    let packet = SlicedPacket::from_ip(&frame.packet).unwrap();
    let header = tcp(frame).to_header();
    let payload = tcp(frame).payload();
    let expected = match packet.net.unwrap() {
        NetSlice::Ipv4(ip) => {
            let ip = ip.header().to_header();
            assert_eq!(ip.calc_header_checksum(), ip.header_checksum);
            header.calc_checksum_ipv4(&ip, payload).unwrap()
        }
        NetSlice::Ipv6(ip) => header
            .calc_checksum_ipv6(&ip.header().to_header(), payload)
            .unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(expected, header.checksum);
}

#[test]
fn a_conversation_has_a_handshake_true_numbers_and_an_end() {
    for (local, peer) in [
        ("127.0.0.1:40000", "127.0.0.1:2121"),
        ("[::1]:40000", "[::1]:2121"),
    ] {
        let capture = Capture::new(false);
        let id = capture
            .open(AT, start(Channel::control("main"), local, peer))
            .unwrap();
        capture.bytes(AT, id, Direction::Received, b"220 hi\r\n");
        capture.bytes(AT, id, Direction::Sent, b"QUIT\r\n");
        capture.end(AT, id, Direction::Received, TcpEnd::Fin);
        let frames = frames(&capture.take());
        frames.iter().for_each(check_sums);
        assert_eq!(frames.len(), 7, "SYN, SYN-ACK, ACK, 220, QUIT, FIN, ACK");
        let (greeting, quit) = (tcp(&frames[3]), tcp(&frames[4]));
        assert_eq!(
            (greeting.source_port(), greeting.destination_port()),
            (21, 40_000)
        );
        assert_eq!(greeting.payload(), b"220 hi\r\n");
        assert_eq!(quit.acknowledgment_number(), greeting.sequence_number() + 8);
        assert_eq!(quit.sequence_number(), greeting.acknowledgment_number());
        assert!(tcp(&frames[5]).fin());
        assert_eq!(
            tcp(&frames[6]).acknowledgment_number(),
            tcp(&frames[5]).sequence_number() + 1
        );
    }
}

#[test]
fn bulk_data_keeps_its_length_and_not_its_content() {
    let capture = Capture::new(false);
    let id = capture
        .open(
            AT,
            start(Channel::data("main", 1), "127.0.0.1:40001", "127.0.0.1:50000"),
        )
        .unwrap();
    let piece = vec![7; 100_000];
    for _ in 0..50 {
        capture.bytes(AT, id, Direction::Sent, &piece);
    }
    capture.end(AT, id, Direction::Sent, TcpEnd::Fin);
    let captured = capture.take();
    let frames = frames(&captured);
    let kept: usize = frames.iter().map(|frame| frame.packet.len()).sum();
    assert!(kept < 300_000, "{kept}");
    let first = tcp(&frames[3]).sequence_number();
    let fin = &frames[frames.len() - 2];
    assert!(tcp(fin).fin());
    assert_eq!(tcp(fin).sequence_number().wrapping_sub(first), 5_000_000);
    let original: usize = frames.iter().map(|frame| frame.original).sum();
    assert!(original > 5_000_000, "{original}");
}

#[test]
fn what_is_substituted_is_never_kept_whenever_it_comes() {
    let capture = Capture::new(false);
    let id = control(&capture);
    capture.substitute(id, Direction::Sent, 2, b"****");
    capture.bytes(AT, id, Direction::Sent, b"abcd");
    capture.bytes(AT, id, Direction::Sent, b"efgh");
    capture.substitute(id, Direction::Sent, 7, b"*");
    let sent: Vec<u8> = frames(&capture.take())
        .iter()
        .flat_map(|frame| tcp(frame).payload().to_vec())
        .collect();
    assert_eq!(sent, b"ab****g*");
}

#[test]
fn only_protected_data_connections_get_the_extra_syn() {
    for (has_tls, wanted) in [(false, 1), (true, 2)] {
        let capture = Capture::new(false);
        let id = capture
            .open(
                AT,
                start(Channel::data("main", 1), "127.0.0.1:40001", "127.0.0.1:50000"),
            )
            .unwrap();
        if has_tls {
            capture.start_tls(id);
        }
        let frames = frames(&capture.take());
        let count = frames
            .iter()
            .filter(|frame| tcp(frame).syn() && !tcp(frame).ack())
            .count();
        assert_eq!(count, wanted);
        assert!(frames.iter().all(|frame| {
            let ports = [tcp(frame).source_port(), tcp(frame).destination_port()];
            ports.contains(&50_000)
        }));
    }
}

#[test]
fn implicit_tls_is_shown_on_its_own_port() {
    let capture = Capture::new(false);
    let id = control(&capture);
    capture.bytes(AT, id, Direction::Sent, &[22, 3, 1, 0, 0]);
    assert_eq!(tcp(&frames(&capture.take())[0]).destination_port(), 990);
}

#[test]
fn a_file_says_that_it_holds_secrets_and_has_them_in_front() {
    let capture = Capture::new(false);
    let _ = control(&capture);
    capture.key("CLIENT_RANDOM aa bb");
    let label = CaptureLabel {
        case: "auth/x @ embedded",
        started: Duration::from_secs(1_700_000_000),
    };
    let file = write_capture(&capture.take(), label);
    let text = String::from_utf8_lossy(&file);
    let secret = text.find("CLIENT_RANDOM aa bb\n").unwrap();
    assert!(text.find("CONTAINS SECRETS").unwrap() < secret);
    assert!(text.contains("passwords are masked"));
    assert_eq!(&file[..4], &[0x0A, 0x0D, 0x0D, 0x0A]);
    assert_eq!(file.len() % 4, 0);
    let with_passwords = write_capture(&Capture::new(true).take(), label);
    assert!(String::from_utf8_lossy(&with_passwords).contains("the passwords that were sent"));
}
