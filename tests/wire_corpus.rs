//! Replays every committed fuzzing seed through the parser it belongs to, so that `cargo test` keeps what fuzzing found.
//!
//! Seeds are in `fuzz/corpus/<parser>/`; what must hold for any bytes is checked by `fuzz_entry` beside each parser.

use std::fs;
use std::path::Path;

use ftpspec::wire::{command, endpoint, facts, feature, reply, tls_record};

type Entry = fn(&[u8]);

const PARSERS: &[(&str, Entry)] = &[
    ("command", command::fuzz_entry),
    ("endpoint", endpoint::fuzz_entry),
    ("facts", facts::fuzz_entry),
    ("feature", feature::fuzz_entry),
    ("reply", reply::fuzz_entry),
    ("tls_record", tls_record::fuzz_entry),
];

#[test]
fn every_seed_passes_its_parser() {
    for (name, entry) in PARSERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let mut count = 0;
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            let seed = fs::read(&path).unwrap();
            entry(&seed);
            // Every beginning of a seed is a seed too.
            for length in 0..seed.len() {
                entry(seed.get(..length).unwrap());
            }
            count += 1;
        }
        assert!(count >= 10, "{name} has {count} seeds");
    }
}

#[test]
fn every_parser_with_seeds_has_a_fuzz_target_and_is_replayed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut folders: Vec<String> = fs::read_dir(fuzz.join("corpus"))
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort_unstable();
    let names: Vec<&str> = PARSERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(folders, names);
    for name in names {
        assert!(
            fuzz.join("fuzz_targets")
                .join(name)
                .with_extension("rs")
                .is_file()
        );
    }
}
