//! Any bytes into `wire::tls_record`; what must hold is checked beside the parser.
#![no_main]

use ftpspec::wire::tls_record::fuzz_entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_entry(data);
});
