//! Any bytes into `wire::feature`; what must hold is checked beside the parser.
#![no_main]

use ftpspec::wire::feature::fuzz_entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_entry(data);
});
