//! Bytes of a hostile peer: whatever comes, a handshake ends in an answer, never in a panic.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static WORLD: LazyLock<World> = LazyLock::new(|| World::with("with-intermediate"));

/// What is done to one flight of the peer.
#[derive(Clone, Debug)]
enum Harm {
    Flip(usize, u8),
    Cut(usize),
    Repeat(usize),
    Insert(usize, Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    let place = 0..6000_usize;
    prop_oneof![
        (place.clone(), 1..=255_u8).prop_map(|(at, mask)| Harm::Flip(at, mask)),
        place.clone().prop_map(Harm::Cut),
        place.clone().prop_map(Harm::Repeat),
        (place, proptest::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
    ]
}

fn apply(harm: &Harm, flight: &mut Vec<u8>) {
    if flight.is_empty() {
        return;
    }
    let length = flight.len();
    match harm {
        Harm::Flip(at, mask) => flight[at % length] ^= mask,
        Harm::Cut(at) => flight.truncate(at % length),
        Harm::Repeat(at) => flight.extend_from_within(at % length..),
        Harm::Insert(at, bytes) => {
            let at = at % length;
            flight.splice(at..at, bytes.iter().copied());
        }
    }
}

/// Runs a handshake and harms the flight with number `turn`; goes on feeding after a failure, as a careless caller
/// might.
fn run(version: TlsVersion, turn: usize, harm: &Harm) {
    let (context, server) = (WORLD.client(), WORLD.server());
    let mut client = context
        .connect(&options(version), &Channel::control("main"))
        .unwrap();
    let mut server = server.accept(&label(1)).unwrap();
    for number in 0..8 {
        let (from, to) = match number % 2 {
            0 => (&mut client, &mut server),
            _ => (&mut server, &mut client),
        };
        let mut flight = from.take_output();
        if number == turn {
            apply(harm, &mut flight);
        }
        if to.is_open() {
            to.feed(&flight);
        } else {
            to.handshake(&flight);
        }
        while to.open_next().is_some() {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_harmed_handshake_never_panics(old in any::<bool>(), turn in 0..4_usize, harm in harm()) {
        run(if old { TlsVersion::Tls12 } else { TlsVersion::Tls13 }, turn, &harm);
    }

    #[test]
    fn random_bytes_never_panic(records in proptest::collection::vec(
        (20..24_u8, proptest::collection::vec(any::<u8>(), 0..60)), 1..8,
    )) {
        let mut wire = Vec::new();
        for (kind, content) in records {
            wire.extend([kind, 3, 3, 0, u8::try_from(content.len()).unwrap_or(0)]);
            wire.extend(content);
        }
        let mut client = WORLD.client().connect(&options(TlsVersion::Tls13), &Channel::control("main")).unwrap();
        client.handshake(&wire);
        let mut server = WORLD.server().accept(&label(1)).unwrap();
        server.handshake(&wire);
    }
}
