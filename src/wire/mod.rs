//! FTP grammar (placeholder until the parsers land).
pub mod reply;
