//! Any bytes into `wire::reply`; what must hold is checked beside the parser.
#![no_main]

use ftpspec::wire::reply::fuzz_entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_entry(data);
});
