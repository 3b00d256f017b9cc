//! The embedded server over loopback: first that it is right, then that its faults are what they say.

mod access;
mod client;
mod control;
mod habit;
mod transfer;
