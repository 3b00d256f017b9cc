//! The report as one HTML file that needs nothing else: no network, no other file, no server.
//!
//! `page` is the template with what can be read without a script; `index` is every case in a few bytes each, for the
//! matrix; `detail` is what the page of a case shows, `timeline` its connections. The script only ever sets text, and a
//! content security policy by hash allows no other script and no request. Pure: text out, nothing written.

mod detail;
mod embed;
mod index;
mod page;
mod summary;
#[cfg(test)]
mod tests;
mod timeline;

pub use page::{HtmlError, render};
