//! Addresses of data connections: PASV, EPSV, PORT and EPRT, replies and arguments.
//!
//! RFC 959 section 4.1.2 (PORT, 227), RFC 1123 section 4.1.2.6 (find the numbers of a 227 wherever they are), RFC
//! 2428 (EPRT, EPSV, 229, 522). Replies are read leniently and what is odd is noted; arguments are read strictly,
//! since the mock refuses what is wrong. Does not decide whether an address may be used; see `client` and `mock`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use serde::{Deserialize, Serialize};

/// Why a text holds no usable endpoint. The fault of whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The argument does not have the form that the RFC gives.
    #[error("the argument does not have the form of an endpoint")]
    Malformed,
    /// Nothing that looks like an endpoint.
    #[error("the text holds no endpoint")]
    Missing,
    /// Comma-separated numbers, but not six of them.
    #[error("the endpoint does not have six numbers")]
    NumberCount,
    /// A number above 255, or a port above 65535.
    #[error("the endpoint holds a number that is too large")]
    OutOfRange,
    /// Port 0.
    #[error("the endpoint has port 0")]
    PortZero,
}

/// Why an EPRT argument holds no usable endpoint (RFC 2428 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EprtError {
    /// The address is not one of the protocol that was named.
    #[error("the EPRT address does not belong to its protocol")]
    Address,
    /// The argument does not have the form `|protocol|address|port|`.
    #[error("the EPRT argument does not have the form of an endpoint")]
    Malformed,
    /// The port is not 1 to 65535.
    #[error("the EPRT port is not 1 to 65535")]
    Port,
    /// A protocol other than 1 and 2: reply 522 is for this.
    #[error("the EPRT protocol {0} is not known")]
    UnknownProtocol(u32),
}

/// What is odd about a 227 or 229 that could be read all the same. Facts, not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndpointViolation {
    /// The delimiters of a 229 are not all the same, or not all there.
    DelimitersDiffer,
    /// A number has leading zeros.
    LeadingZero,
    /// No parentheses around the endpoint.
    MissingParentheses,
    /// A 229 names a protocol or an address, which RFC 2428 section 3 leaves empty.
    NonEmptyAddress,
    /// Spaces between the numbers.
    SpaceInside,
    /// Text behind the closing parenthesis.
    TrailingText,
}

/// A 227 or 229 in detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected<T> {
    /// The endpoint.
    pub endpoint: T,
    /// What is odd, each kind once, in alphabetical order.
    pub violations: Vec<EndpointViolation>,
}

/// The endpoint of a 227 reply text: the first six comma-separated numbers, with or without parentheses.
///
/// # Errors
///
/// [`EndpointError::Missing`], [`EndpointError::NumberCount`], [`EndpointError::OutOfRange`] and
/// [`EndpointError::PortZero`].
pub fn parse_227(reply_text: &str) -> Result<SocketAddrV4, EndpointError> {
    inspect_227(reply_text).map(|inspected| inspected.endpoint)
}

/// Like [`parse_227`], with what is odd.
///
/// # Errors
///
/// As [`parse_227`].
pub fn inspect_227(reply_text: &str) -> Result<Inspected<SocketAddrV4>, EndpointError> {
    let text = reply_text.as_bytes();
    let mut offset = 0;
    let mut error = EndpointError::Missing;
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        if !rest.first().is_some_and(u8::is_ascii_digit) {
            offset = offset.saturating_add(1);
            continue;
        }
        let list = NumberList::read(rest);
        match list.count {
            6 => {
                let endpoint = socket_v4(list.numbers)?;
                let mut violations = list.violations();
                let before = text.get(..offset).unwrap_or_default();
                let behind = rest.get(list.length..).unwrap_or_default();
                note_parentheses(before, behind, &mut violations);
                return Ok(inspected(endpoint, violations));
            }
            1 => {}
            _ => error = EndpointError::NumberCount,
        }
        offset = offset.saturating_add(list.length);
    }
    Err(error)
}

fn note_parentheses(before: &[u8], behind: &[u8], violations: &mut Vec<EndpointViolation>) {
    match behind {
        [b')', rest @ ..] if before.ends_with(b"(") => {
            if !rest.is_empty() {
                violations.push(EndpointViolation::TrailingText);
            }
        }
        _ => violations.push(EndpointViolation::MissingParentheses),
    }
}

fn inspected<T>(endpoint: T, mut violations: Vec<EndpointViolation>) -> Inspected<T> {
    violations.sort_unstable();
    violations.dedup();
    Inspected { endpoint, violations }
}

/// Comma-separated numbers at the start of a text.
struct NumberList {
    /// The first six.
    numbers: [u32; 6],
    /// How many there are.
    count: usize,
    /// How many bytes they take.
    length: usize,
    has_space: bool,
    has_leading_zero: bool,
}

impl NumberList {
    fn read(text: &[u8]) -> Self {
        let mut list = Self {
            numbers: [0; 6],
            count: 0,
            length: 0,
            has_space: false,
            has_leading_zero: false,
        };
        let mut offset = 0;
        loop {
            let rest = text.get(offset..).unwrap_or_default();
            let digits = leading_digits(rest);
            if digits.is_empty() {
                return list;
            }
            if let Some(slot) = list.numbers.get_mut(list.count) {
                *slot = number(digits);
            }
            list.count = list.count.saturating_add(1);
            list.has_leading_zero |= digits.len() > 1 && digits.starts_with(b"0");
            list.length = offset.saturating_add(digits.len());
            let behind = text.get(list.length..).unwrap_or_default();
            let spaces = leading_spaces(behind);
            let Some(after_comma) = behind.get(spaces..).and_then(|rest| rest.strip_prefix(b",")) else {
                return list;
            };
            let more_spaces = leading_spaces(after_comma);
            if !after_comma
                .get(more_spaces..)
                .and_then(<[u8]>::first)
                .is_some_and(u8::is_ascii_digit)
            {
                return list;
            }
            list.has_space |= spaces > 0 || more_spaces > 0;
            offset = list
                .length
                .saturating_add(spaces)
                .saturating_add(1)
                .saturating_add(more_spaces);
        }
    }

    fn violations(&self) -> Vec<EndpointViolation> {
        let mut violations = Vec::new();
        if self.has_leading_zero {
            violations.push(EndpointViolation::LeadingZero);
        }
        if self.has_space {
            violations.push(EndpointViolation::SpaceInside);
        }
        violations
    }
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(..length).unwrap_or_default()
}

fn leading_spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b' ').count()
}

/// The value of decimal digits; `u32::MAX` when there is something else, nothing, or too much.
fn number(digits: &[u8]) -> u32 {
    if digits.is_empty() {
        return u32::MAX;
    }
    digits.iter().fold(0, |value: u32, digit| {
        if digit.is_ascii_digit() {
            value
                .saturating_mul(10)
                .saturating_add(u32::from(digit.wrapping_sub(b'0')))
        } else {
            u32::MAX
        }
    })
}

fn socket_v4(numbers: [u32; 6]) -> Result<SocketAddrV4, EndpointError> {
    let mut octets = [0_u8; 6];
    for (octet, number) in octets.iter_mut().zip(numbers) {
        *octet = u8::try_from(number).map_err(|_| EndpointError::OutOfRange)?;
    }
    let [a, b, c, d, high, low] = octets;
    let port = u16::from_be_bytes([high, low]);
    if port == 0 {
        return Err(EndpointError::PortZero);
    }
    Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
}

/// The port of a 229 reply text, RFC 2428 section 3. Lenient about everything around the port.
///
/// # Errors
///
/// [`EndpointError::Missing`], [`EndpointError::OutOfRange`] and [`EndpointError::PortZero`].
pub fn parse_229(reply_text: &str) -> Result<u16, EndpointError> {
    inspect_229(reply_text).map(|inspected| inspected.endpoint)
}

/// Like [`parse_229`], with what is odd.
///
/// # Errors
///
/// As [`parse_229`].
pub fn inspect_229(reply_text: &str) -> Result<Inspected<u16>, EndpointError> {
    let text = reply_text.as_bytes();
    let mut first_error = None;
    for (offset, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'(') {
        let inside = text.get(offset.saturating_add(1)..).unwrap_or_default();
        match read_229(inside, true) {
            Some(Ok(found)) => return Ok(found),
            Some(Err(error)) => first_error = first_error.or(Some(error)),
            None => {}
        }
    }
    for (offset, byte) in text.iter().enumerate() {
        // Letters, digits and parentheses delimit only where parentheses say so; in running text they are words.
        if byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'(' | b')') {
            match read_229(text.get(offset..).unwrap_or_default(), false) {
                Some(Ok(found)) => return Ok(found),
                Some(Err(error)) => first_error = first_error.or(Some(error)),
                None => {}
            }
        }
    }
    Err(first_error.unwrap_or(EndpointError::Missing))
}

/// `text` starts with the first delimiter. `None` when it has not the form.
fn read_229(text: &[u8], in_parentheses: bool) -> Option<Result<Inspected<u16>, EndpointError>> {
    let (delimiter, rest) = text.split_first()?;
    if !delimiter.is_ascii_graphic() {
        return None;
    }
    let mut violations = Vec::new();
    let (protocol, rest) = split_at(rest, *delimiter)?;
    let (address, rest) = split_at(rest, *delimiter)?;
    if !protocol.is_empty() || !address.is_empty() {
        violations.push(EndpointViolation::NonEmptyAddress);
        // Without parentheses only the exact form tells an endpoint from prose.
        if !in_parentheses || protocol.len() > 3 || address.len() > 64 {
            return None;
        }
    }
    let length = if delimiter.is_ascii_digit() {
        rest.iter().position(|byte| byte == delimiter)?
    } else {
        leading_digits(rest).len()
    };
    let digits = rest.get(..length).unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let behind = rest.get(length..).unwrap_or_default();
    let behind = match behind.split_first() {
        Some((closing, behind)) if closing == delimiter => behind,
        _ => {
            violations.push(EndpointViolation::DelimitersDiffer);
            match behind {
                [b')', ..] | [] => behind,
                [_, rest @ ..] => rest,
            }
        }
    };
    if digits.len() > 1 && digits.starts_with(b"0") {
        violations.push(EndpointViolation::LeadingZero);
    }
    match behind {
        [b')', rest @ ..] if in_parentheses => {
            if !rest.is_empty() {
                violations.push(EndpointViolation::TrailingText);
            }
        }
        _ => violations.push(EndpointViolation::MissingParentheses),
    }
    Some(match u16::try_from(number(digits)) {
        Ok(0) => Err(EndpointError::PortZero),
        Ok(port) => Ok(inspected(port, violations)),
        Err(_) => Err(EndpointError::OutOfRange),
    })
}

fn split_at(text: &[u8], delimiter: u8) -> Option<(&[u8], &[u8])> {
    let index = text.iter().position(|byte| *byte == delimiter)?;
    Some((text.get(..index)?, text.get(index.checked_add(1)?..)?))
}

/// The protocols that a 522 text lists in parentheses, such as `(1,2)` (RFC 2428 section 2).
///
/// # Errors
///
/// [`EndpointError::Missing`] without parentheses, [`EndpointError::Malformed`] when they hold something else than
/// numbers.
pub fn parse_522(reply_text: &str) -> Result<Vec<u32>, EndpointError> {
    let (_, rest) = reply_text.split_once('(').ok_or(EndpointError::Missing)?;
    let (list, _) = rest.split_once(')').ok_or(EndpointError::Missing)?;
    list.split(',')
        .map(|text| parse_protocol(text.as_bytes()).ok_or(EndpointError::Malformed))
        .collect()
}

/// A decimal number of one to nine digits.
fn parse_protocol(digits: &[u8]) -> Option<u32> {
    match number(digits) {
        u32::MAX => None,
        value if digits.len() <= 9 => Some(value),
        _ => None,
    }
}

/// The endpoint of a PORT argument, `h1,h2,h3,h4,p1,p2` and nothing else (RFC 959 section 4.1.2).
///
/// # Errors
///
/// [`EndpointError::Malformed`], [`EndpointError::NumberCount`], [`EndpointError::OutOfRange`] and
/// [`EndpointError::PortZero`].
pub fn parse_port_argument(argument: &[u8]) -> Result<SocketAddrV4, EndpointError> {
    let list = NumberList::read(argument);
    if list.count == 0 || list.length != argument.len() || list.has_space {
        return Err(EndpointError::Malformed);
    }
    if list.count != 6 {
        return Err(EndpointError::NumberCount);
    }
    socket_v4(list.numbers)
}

/// The endpoint of an EPRT argument, `|protocol|address|port|` with any delimiter of 33 to 126 (RFC 2428 section 2).
///
/// # Errors
///
/// See [`EprtError`]. An unknown protocol wins over a bad address.
pub fn parse_eprt_argument(argument: &[u8]) -> Result<SocketAddr, EprtError> {
    let (delimiter, rest) = argument.split_first().ok_or(EprtError::Malformed)?;
    if !delimiter.is_ascii_graphic() {
        return Err(EprtError::Malformed);
    }
    let (protocol, rest) = split_at(rest, *delimiter).ok_or(EprtError::Malformed)?;
    let (address, rest) = split_at(rest, *delimiter).ok_or(EprtError::Malformed)?;
    let (port, rest) = split_at(rest, *delimiter).ok_or(EprtError::Malformed)?;
    if !rest.is_empty() {
        return Err(EprtError::Malformed);
    }
    let protocol = parse_protocol(protocol).ok_or(EprtError::Malformed)?;
    let address = std::str::from_utf8(address).map_err(|_| EprtError::Address)?;
    let address = match protocol {
        1 => IpAddr::V4(address.parse::<Ipv4Addr>().map_err(|_| EprtError::Address)?),
        2 => IpAddr::V6(address.parse::<Ipv6Addr>().map_err(|_| EprtError::Address)?),
        other => return Err(EprtError::UnknownProtocol(other)),
    };
    match u16::try_from(number(port)) {
        Ok(0) | Err(_) => Err(EprtError::Port),
        Ok(port) => Ok(SocketAddr::new(address, port)),
    }
}

/// What stands behind EPSV (RFC 2428 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpsvArgument {
    /// `ALL`: no other way of opening data connections from now on.
    All,
    /// `1`.
    Ipv4,
    /// `2`.
    Ipv6,
    /// Nothing: the family of the control connection.
    None,
    /// Another number: reply 522 is for this.
    Unknown(u32),
}

/// Reads the argument of EPSV; `None` and nothing behind the space both mean no argument.
///
/// # Errors
///
/// [`EndpointError::Malformed`] for anything but `ALL` (in any case) and a number.
pub fn parse_epsv_argument(argument: Option<&[u8]>) -> Result<EpsvArgument, EndpointError> {
    let argument = argument.unwrap_or_default();
    if argument.is_empty() {
        return Ok(EpsvArgument::None);
    }
    if argument.eq_ignore_ascii_case(b"ALL") {
        return Ok(EpsvArgument::All);
    }
    match parse_protocol(argument).ok_or(EndpointError::Malformed)? {
        1 => Ok(EpsvArgument::Ipv4),
        2 => Ok(EpsvArgument::Ipv6),
        other => Ok(EpsvArgument::Unknown(other)),
    }
}

/// The text of a 227 reply, without the code.
#[must_use]
pub fn render_227(endpoint: SocketAddrV4) -> String {
    format!("Entering Passive Mode ({}).", render_port(endpoint))
}

/// The text of a 229 reply, without the code.
#[must_use]
pub fn render_229(port: u16) -> String {
    format!("Entering Extended Passive Mode (|||{port}|)")
}

/// The argument of PORT.
#[must_use]
pub fn render_port(endpoint: SocketAddrV4) -> String {
    let [a, b, c, d] = endpoint.ip().octets();
    let [high, low] = endpoint.port().to_be_bytes();
    format!("{a},{b},{c},{d},{high},{low}")
}

/// The argument of EPRT.
#[must_use]
pub fn render_eprt(endpoint: SocketAddr) -> String {
    let protocol = if endpoint.is_ipv4() { 1 } else { 2 };
    format!("|{protocol}|{}|{}|", endpoint.ip(), endpoint.port())
}

/// Feeds any bytes to all parsers of this module and checks that what was read can be written and read again. For fuzzing and
/// property tests.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(endpoint) = parse_227(&text) {
        assert_eq!(parse_227(&render_227(endpoint)), Ok(endpoint));
    }
    if let Ok(port) = parse_229(&text) {
        assert_eq!(parse_229(&render_229(port)), Ok(port));
    }
    if let Ok(endpoint) = parse_port_argument(data) {
        assert_eq!(
            parse_port_argument(render_port(endpoint).as_bytes()),
            Ok(endpoint)
        );
    }
    if let Ok(endpoint) = parse_eprt_argument(data) {
        assert_eq!(
            parse_eprt_argument(render_eprt(endpoint).as_bytes()),
            Ok(endpoint)
        );
    }
    let _ = parse_epsv_argument(Some(data));
    let _ = parse_522(&text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v4(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    #[test]
    fn a_227_is_read_wherever_its_numbers_are() {
        for text in [
            "Entering Passive Mode (127,0,0,1,200,13).",
            "Entering Passive Mode (127,0,0,1,200,13)",
            "Entering Passive Mode 127,0,0,1,200,13",
            "=127,0,0,1,200,13",
            "227 Entering Passive Mode (127,0,0,1,200,13).",
            "port 21 of 2: ( 127, 0 ,0,1,200,13 )",
            "(127,000,000,001,200,013)",
        ] {
            assert_eq!(parse_227(text), Ok(v4("127.0.0.1:51213")), "{text}");
        }
    }

    #[test]
    fn what_is_odd_about_a_227_is_noted() {
        use EndpointViolation as V;
        let violations = |text| inspect_227(text).unwrap().violations;
        assert_eq!(violations("Entering Passive Mode (1,2,3,4,5,6)"), []);
        assert_eq!(
            violations("Entering Passive Mode (1,2,3,4,5,6)."),
            [V::TrailingText]
        );
        assert_eq!(
            violations("1,2,3,4,5,06"),
            [V::LeadingZero, V::MissingParentheses]
        );
        assert_eq!(violations("(1, 2,3,4,5,6)"), [V::SpaceInside]);
    }

    #[test]
    fn a_227_without_an_endpoint_says_what_is_missing() {
        for (text, error) in [
            ("ok", EndpointError::Missing),
            ("", EndpointError::Missing),
            ("port 21", EndpointError::Missing),
            ("(1,2,3,4,5)", EndpointError::NumberCount),
            ("(1,2,3,4,5,6,7)", EndpointError::NumberCount),
            ("(256,2,3,4,5,6)", EndpointError::OutOfRange),
            ("(1,2,3,4,99999999999999999999,6)", EndpointError::OutOfRange),
            ("(1,2,3,4,0,0)", EndpointError::PortZero),
        ] {
            assert_eq!(parse_227(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_229_is_read_with_any_delimiter() {
        for text in [
            "Entering Extended Passive Mode (|||6446|)",
            "229 Entering Extended Passive Mode (|||6446|).",
            "(!!!6446!)",
            "(aaa6446a)",
            "(11164461)",
            "ok (really) (|||6446|)",
            "Entering Extended Passive Mode |||6446|",
            "(|1|10.0.0.1|6446|)",
            "(|||6446)",
        ] {
            assert_eq!(parse_229(text), Ok(6446), "{text}");
        }
    }

    #[test]
    fn what_is_odd_about_a_229_is_noted() {
        use EndpointViolation as V;
        let violations = |text| inspect_229(text).unwrap().violations;
        assert_eq!(violations("Entering (|||6446|)"), []);
        assert_eq!(violations("Entering (|||6446|)."), [V::TrailingText]);
        assert_eq!(violations("Entering |||6446|"), [V::MissingParentheses]);
        assert_eq!(violations("(|1|10.0.0.1|5000|)"), [V::NonEmptyAddress]);
        assert_eq!(violations("(||1|5000|)"), [V::NonEmptyAddress]);
        assert_eq!(violations("(|||6446!)"), [V::DelimitersDiffer]);
        assert_eq!(violations("(|||6446)"), [V::DelimitersDiffer]);
        assert_eq!(violations("(|||06446|)"), [V::LeadingZero]);
    }

    #[test]
    fn a_229_without_a_port_says_what_is_missing() {
        for (text, error) in [
            ("ok", EndpointError::Missing),
            ("", EndpointError::Missing),
            ("(", EndpointError::Missing),
            ("(||||)", EndpointError::Missing),
            ("(1,2,3,4,5,6)", EndpointError::Missing),
            ("(|||0|)", EndpointError::PortZero),
            ("(|||65536|)", EndpointError::OutOfRange),
            ("(|||99999999999999|)", EndpointError::OutOfRange),
        ] {
            assert_eq!(parse_229(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_port_argument_is_six_numbers_and_nothing_else() {
        assert_eq!(parse_port_argument(b"10,0,0,1,4,1"), Ok(v4("10.0.0.1:1025")));
        for (argument, error) in [
            (b"".as_slice(), EndpointError::Malformed),
            (b"10,0,0,1,4,1 ", EndpointError::Malformed),
            (b"10, 0,0,1,4,1", EndpointError::Malformed),
            (b"(10,0,0,1,4,1)", EndpointError::Malformed),
            (b"10,0,0,1,4", EndpointError::NumberCount),
            (b"10,0,0,1,4,1,1", EndpointError::NumberCount),
            (b"10,0,0,1,4,256", EndpointError::OutOfRange),
            (b"10,0,0,1,0,0", EndpointError::PortZero),
            (b"10,0,0,-1,4,1", EndpointError::Malformed),
        ] {
            assert_eq!(
                parse_port_argument(argument),
                Err(error),
                "{}",
                argument.escape_ascii()
            );
        }
    }

    #[test]
    fn an_eprt_argument_names_protocol_address_and_port() {
        assert_eq!(
            parse_eprt_argument(b"|1|132.235.1.2|6275|"),
            Ok("132.235.1.2:6275".parse().unwrap())
        );
        assert_eq!(
            parse_eprt_argument(b"!2!1080::8:800:200C:417A!5282!"),
            Ok("[1080::8:800:200C:417A]:5282".parse().unwrap())
        );
        for (argument, error) in [
            (b"|3|x|6275|".as_slice(), EprtError::UnknownProtocol(3)),
            (b"|0|1.2.3.4|1|", EprtError::UnknownProtocol(0)),
            (b"|1|::1|6275|", EprtError::Address),
            (b"|2|1.2.3.4|6275|", EprtError::Address),
            (b"|1|1.2.3.4|0|", EprtError::Port),
            (b"|1|1.2.3.4|65536|", EprtError::Port),
            (b"|1|1.2.3.4|1x|", EprtError::Port),
            (b"|1|1.2.3.4||", EprtError::Port),
            (b"|1|1.2.3.4|5", EprtError::Malformed),
            (b"|1|1.2.3.4|5|x", EprtError::Malformed),
            (b"|x|1.2.3.4|5|", EprtError::Malformed),
            (b"||1.2.3.4|5|", EprtError::Malformed),
            (b" 1 1.2.3.4 5 ", EprtError::Malformed),
            (b"", EprtError::Malformed),
        ] {
            assert_eq!(
                parse_eprt_argument(argument),
                Err(error),
                "{}",
                argument.escape_ascii()
            );
        }
    }

    #[test]
    fn an_epsv_argument_is_all_or_a_number_or_nothing() {
        assert_eq!(parse_epsv_argument(None), Ok(EpsvArgument::None));
        assert_eq!(parse_epsv_argument(Some(b"")), Ok(EpsvArgument::None));
        assert_eq!(parse_epsv_argument(Some(b"all")), Ok(EpsvArgument::All));
        assert_eq!(parse_epsv_argument(Some(b"1")), Ok(EpsvArgument::Ipv4));
        assert_eq!(parse_epsv_argument(Some(b"2")), Ok(EpsvArgument::Ipv6));
        assert_eq!(parse_epsv_argument(Some(b"3")), Ok(EpsvArgument::Unknown(3)));
        for argument in [b"FOO".as_slice(), b"1x", b" 1", b"-1", b"99999999999"] {
            assert_eq!(parse_epsv_argument(Some(argument)), Err(EndpointError::Malformed));
        }
    }

    #[test]
    fn the_list_of_a_522_is_read() {
        assert_eq!(
            parse_522("Network protocol not supported, use (1,2)"),
            Ok(vec![1, 2])
        );
        assert_eq!(parse_522("use (1)"), Ok(vec![1]));
        assert_eq!(parse_522("not supported"), Err(EndpointError::Missing));
        assert_eq!(parse_522("not supported (use 1)"), Err(EndpointError::Malformed));
        assert_eq!(parse_522("()"), Err(EndpointError::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_endpoint_or_an_error(data in proptest::collection::vec(
            prop_oneof![Just(b'('), Just(b')'), Just(b'|'), Just(b','), Just(b' '), b'0'..=b'9', any::<u8>()], 0..80,
        )) {
            fuzz_entry(&data);
        }

        #[test]
        fn what_is_written_is_read_again(octets: [u8; 4], six: [u8; 16], port in 1..=u16::MAX) {
            let endpoint = SocketAddrV4::new(Ipv4Addr::from(octets), port);
            prop_assert_eq!(parse_227(&render_227(endpoint)), Ok(endpoint));
            prop_assert_eq!(parse_port_argument(render_port(endpoint).as_bytes()), Ok(endpoint));
            prop_assert_eq!(inspect_229(&render_229(port)), Ok(Inspected { endpoint: port, violations: vec![] }));
            for address in [IpAddr::from(octets), IpAddr::from(six)] {
                let endpoint = SocketAddr::new(address, port);
                prop_assert_eq!(parse_eprt_argument(render_eprt(endpoint).as_bytes()), Ok(endpoint));
            }
        }
    }
}
