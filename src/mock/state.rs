//! The session rules: which command is taken in which state, and the reply for those that are not. One table.
//!
//! RFC 959 section 5.4 (login and rename), RFC 4217 sections 4, 5, 9, 13 and RFC 2228 section 3 (AUTH, PBSZ, PROT, CCC,
//! REIN), RFC 7151 section 3 (HOST before login). Knows nothing about arguments; see `commands`.
//!
//! ```text
//!   220 in clear                              220 inside TLS (implicit)
//!        |                                           |
//!        v         AUTH TLS + handshake              v           PBSZ
//!      Clear -----------------------------------> Protected ------------> Buffered
//!        | USER                                      | USER                  | USER
//!        v                                           v           PBSZ        v
//!    ClearNamed --------------------------------> (Protected)  -  -  -> BufferedNamed
//!        | PASS                                 ProtectedNamed               | PASS
//!        v                                           | PASS                  v
//!   ClearLoggedIn ------------------------------> (Protected)     PBSZ  BufferedLoggedIn
//!                  AUTH forgets user and login  ProtectedLoggedIn - - ->     |
//!                                                    | CCC                   | CCC
//!                                                    +-------> Cleared <-----+
//!
//!   Locked    is Clear where the policy wants TLS before USER
//!   USER      from a LoggedIn state goes back to its Named state
//!   REIN      from any state goes to Clear (or Locked), TLS ends; implicit: to Protected, TLS stays
//!   AUTH TLS  is also taken in Cleared
//! ```
//!
//! The whole table is in `state_table.txt`, rendered and compared by a test.

use crate::wire::command::Verb;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Clear, and the policy wants TLS before USER.
    Locked,
    /// Clear, nobody named.
    Clear,
    /// Clear, USER done.
    ClearNamed,
    /// Clear, logged in.
    ClearLoggedIn,
    /// TLS, nobody named.
    Protected,
    /// TLS, USER done.
    ProtectedNamed,
    /// TLS, logged in.
    ProtectedLoggedIn,
    /// TLS and PBSZ, nobody named.
    Buffered,
    /// TLS and PBSZ, USER done.
    BufferedNamed,
    /// TLS and PBSZ, logged in.
    BufferedLoggedIn,
    /// Logged in under TLS, clear again after CCC.
    Cleared,
}

impl State {
    /// Every state, in the order of the table's columns.
    #[cfg(test)]
    pub(super) const ALL: [Self; 11] = [
        Self::Locked,
        Self::Clear,
        Self::ClearNamed,
        Self::ClearLoggedIn,
        Self::Protected,
        Self::ProtectedNamed,
        Self::ProtectedLoggedIn,
        Self::Buffered,
        Self::BufferedNamed,
        Self::BufferedLoggedIn,
        Self::Cleared,
    ];
}

/// What the table says about a command in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    /// The command is taken.
    Taken,
    /// The command is refused.
    Refused(Refusal),
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// PBSZ or PROT after CCC, USER or PASS after CCC.
    AfterCcc,
    /// HOST, or PASS, after login.
    AfterLogin,
    /// PROT before PBSZ.
    BeforePbsz,
    /// PBSZ or PROT before TLS.
    BeforeTls,
    /// CCC without TLS.
    CccInClear,
    /// CCC before login.
    CccBeforeLogin,
    /// ADAT: the mechanism needs none, or there is none.
    NoExchange,
    /// RNTO without RNFR.
    NoRenameSource,
    /// PASS without USER.
    NoUser,
    /// Needs a login.
    NotLoggedIn,
    /// A verb of an RFC that this server leaves out.
    NotImplemented,
    /// AUTH under TLS.
    ProtectedAlready,
    /// The policy wants TLS before USER.
    TlsRequired,
}

impl Refusal {
    /// Code and text of the reply.
    pub(super) fn reply(self) -> (u16, &'static str) {
        match self {
            Self::AfterCcc => (503, "Not possible after CCC."),
            Self::AfterLogin => (503, "Already logged in."),
            Self::BeforePbsz => (503, "PBSZ comes first."),
            Self::BeforeTls => (503, "AUTH TLS comes first."),
            Self::CccInClear => (533, "The control connection is clear already."),
            Self::CccBeforeLogin => (534, "Log in before CCC."),
            Self::NoExchange => (503, "No security data is expected."),
            Self::NoRenameSource => (503, "RNFR comes first."),
            Self::NoUser => (503, "USER comes first."),
            Self::NotLoggedIn => (530, "Log in first."),
            Self::NotImplemented => (502, "Command not implemented."),
            Self::ProtectedAlready => (503, "TLS is on already."),
            Self::TlsRequired => (530, "This server wants AUTH TLS before USER."),
        }
    }
}

/// When a command that arrives during a transfer is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// At once (RFC 959 section 4.1.3: ABOR and STAT).
    Now,
    /// After the transfer, in order.
    Later,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// The command.
    pub(super) verb: Verb,
    /// One ruling per state.
    cells: [Ruling; 11],
    /// Overrides the cells while RNFR waits for RNTO; every other command drops the name.
    renaming: Option<Ruling>,
    /// During a transfer.
    pub(super) turn: Turn,
}

impl Row {
    /// The ruling in `state`; `is_renaming` while RNFR waits for RNTO.
    pub(super) fn ruling(&self, state: State, is_renaming: bool) -> Ruling {
        let cell = match state {
            State::Locked => self.cells[0],
            State::Clear => self.cells[1],
            State::ClearNamed => self.cells[2],
            State::ClearLoggedIn => self.cells[3],
            State::Protected => self.cells[4],
            State::ProtectedNamed => self.cells[5],
            State::ProtectedLoggedIn => self.cells[6],
            State::Buffered => self.cells[7],
            State::BufferedNamed => self.cells[8],
            State::BufferedLoggedIn => self.cells[9],
            State::Cleared => self.cells[10],
        };
        match self.renaming {
            Some(ruling) if is_renaming && cell != L => ruling,
            _ => cell,
        }
    }
}

/// The row of `verb`; none for verbs that nobody knows.
pub(super) fn row(verb: &Verb) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.verb == *verb)
}

const Y: Ruling = Ruling::Taken;
const A: Ruling = Ruling::Refused(Refusal::AfterCcc);
const B: Ruling = Ruling::Refused(Refusal::BeforePbsz);
const C: Ruling = Ruling::Refused(Refusal::CccInClear);
const D: Ruling = Ruling::Refused(Refusal::AfterLogin);
const E: Ruling = Ruling::Refused(Refusal::NoExchange);
const F: Ruling = Ruling::Refused(Refusal::CccBeforeLogin);
const L: Ruling = Ruling::Refused(Refusal::NotLoggedIn);
const N: Ruling = Ruling::Refused(Refusal::NotImplemented);
const P: Ruling = Ruling::Refused(Refusal::ProtectedAlready);
const R: Ruling = Ruling::Refused(Refusal::NoRenameSource);
const S: Ruling = Ruling::Refused(Refusal::BeforeTls);
const T: Ruling = Ruling::Refused(Refusal::TlsRequired);
const U: Ruling = Ruling::Refused(Refusal::NoUser);

const fn rule(verb: Verb, cells: [Ruling; 11]) -> Row {
    Row {
        verb,
        cells,
        renaming: None,
        turn: Turn::Later,
    }
}

const fn now(verb: Verb, cells: [Ruling; 11]) -> Row {
    Row {
        verb,
        cells,
        renaming: None,
        turn: Turn::Now,
    }
}

const fn renaming(verb: Verb, cells: [Ruling; 11]) -> Row {
    Row {
        verb,
        cells,
        renaming: Some(Y),
        turn: Turn::Later,
    }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                     Locked
    //                     |  Clear
    //                     |  |  ClearNamed
    //                     |  |  |  ClearLoggedIn
    //                     |  |  |  |  Protected
    //                     |  |  |  |  |  ProtectedNamed
    //                     |  |  |  |  |  |  ProtectedLoggedIn
    //                     |  |  |  |  |  |  |  Buffered
    //                     |  |  |  |  |  |  |  |  BufferedNamed
    //                     |  |  |  |  |  |  |  |  |  BufferedLoggedIn
    //                     |  |  |  |  |  |  |  |  |  |  Cleared
    // Access, RFC 959 section 4.1.1, RFC 7151
    rule(Verb::User,      [T, Y, Y, Y, Y, Y, Y, Y, Y, Y, A]),
    rule(Verb::Pass,      [T, U, Y, D, U, Y, D, U, Y, D, A]),
    rule(Verb::Acct,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Rein,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Quit,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Host,      [Y, Y, Y, D, Y, Y, D, Y, Y, D, D]),
    rule(Verb::Smnt,      [N, N, N, N, N, N, N, N, N, N, N]),
    // Protection, RFC 2228, RFC 4217
    rule(Verb::Auth,      [Y, Y, Y, Y, P, P, P, P, P, P, Y]),
    rule(Verb::Adat,      [E, E, E, E, E, E, E, E, E, E, E]),
    rule(Verb::Pbsz,      [S, S, S, S, Y, Y, Y, Y, Y, Y, A]),
    rule(Verb::Prot,      [S, S, S, S, B, B, B, Y, Y, Y, A]),
    rule(Verb::Ccc,       [C, C, C, C, F, F, Y, F, F, Y, C]),
    rule(Verb::Mic,       [N, N, N, N, N, N, N, N, N, N, N]),
    rule(Verb::Conf,      [N, N, N, N, N, N, N, N, N, N, N]),
    rule(Verb::Enc,       [N, N, N, N, N, N, N, N, N, N, N]),
    // Transfer parameters, RFC 959 section 4.1.2, RFC 2428
    rule(Verb::Port,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Eprt,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Pasv,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Epsv,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Lprt,      [N, N, N, N, N, N, N, N, N, N, N]),
    rule(Verb::Lpsv,      [N, N, N, N, N, N, N, N, N, N, N]),
    rule(Verb::Type,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Stru,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Mode,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Allo,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Rest,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    // Transfers, RFC 959 section 4.1.3, RFC 3659
    rule(Verb::Retr,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Stor,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Stou,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Appe,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::List,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Nlst,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Mlsd,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    now(Verb::Abor,       [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    // Files, RFC 959 section 4.1.3, RFC 775, RFC 3659
    rule(Verb::Cwd,       [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Cdup,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Pwd,       [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Mkd,       [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Rmd,       [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Dele,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Rnfr,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    renaming(Verb::Rnto,  [L, L, L, R, L, L, R, L, L, R, R]),
    rule(Verb::Size,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Mdtm,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Mlst,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Mfmt,      [N, N, N, N, N, N, N, N, N, N, N]),
    rule(Verb::Xcwd,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Xcup,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Xpwd,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Xmkd,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Xrmd,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    // Information, RFC 959 section 4.1.3, RFC 2389, RFC 2640
    now(Verb::Stat,       [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Feat,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Opts,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Lang,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Help,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Noop,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Syst,      [Y, Y, Y, Y, Y, Y, Y, Y, Y, Y, Y]),
    rule(Verb::Site,      [L, L, L, Y, L, L, Y, L, L, Y, Y]),
    rule(Verb::Clnt,      [N, N, N, N, N, N, N, N, N, N, N]),
];

/// Verbs that are taken in some state, in the order of the table; for HELP.
pub(super) fn implemented() -> impl Iterator<Item = &'static Verb> {
    TABLE
        .iter()
        .filter(|row| row.cells.iter().any(|cell| *cell != N))
        .map(|row| &row.verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(ruling: Ruling) -> String {
        match ruling {
            Ruling::Taken => "yes".to_owned(),
            Ruling::Refused(refusal) => refusal.reply().0.to_string(),
        }
    }

    /// The table as text: reply codes, `yes` where the command is taken.
    fn render() -> String {
        let names: Vec<String> = State::ALL.iter().map(|state| format!("{state:?}")).collect();
        let mut lines = vec![format!("verb  {}  during-transfer", names.join("  "))];
        for row in TABLE {
            let cells: Vec<String> = State::ALL
                .iter()
                .zip(&names)
                .map(|(state, name)| {
                    format!("{:width$}", cell(row.ruling(*state, false)), width = name.len())
                })
                .collect();
            let turn = match row.turn {
                Turn::Now => "now",
                Turn::Later => "later",
            };
            lines.push(format!("{:4}  {}  {turn}", row.verb, cells.join("  ")));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    #[test]
    fn the_table_is_the_one_in_the_file() {
        let rendered = render();
        assert_eq!(
            rendered,
            include_str!("state_table.txt"),
            "the rules changed; if that is meant, this is the new state_table.txt:\n{rendered}"
        );
    }

    #[test]
    fn every_known_verb_has_one_row() {
        for verb in Verb::KNOWN {
            assert_eq!(TABLE.iter().filter(|row| row.verb == *verb).count(), 1, "{verb}");
        }
        assert!(row(&Verb::Other("GET".into())).is_none());
    }

    #[test]
    fn rnto_is_taken_after_rnfr_only_and_never_before_login() {
        let row = row(&Verb::Rnto).unwrap();
        assert_eq!(row.ruling(State::BufferedLoggedIn, true), Y);
        assert_eq!(row.ruling(State::BufferedLoggedIn, false), R);
        assert_eq!(row.ruling(State::Buffered, true), L);
    }

    #[test]
    fn prot_is_refused_before_pbsz_and_pbsz_before_tls() {
        let prot = row(&Verb::Prot).unwrap();
        let pbsz = row(&Verb::Pbsz).unwrap();
        assert_eq!(prot.ruling(State::ProtectedLoggedIn, false), B);
        assert_eq!(prot.ruling(State::BufferedLoggedIn, false), Y);
        for state in [State::Locked, State::Clear, State::ClearLoggedIn, State::Cleared] {
            assert_ne!(pbsz.ruling(state, false), Y, "{state:?}");
            assert_ne!(prot.ruling(state, false), Y, "{state:?}");
        }
    }

    #[test]
    fn no_file_is_touched_before_login() {
        let before = [
            State::Locked,
            State::Clear,
            State::ClearNamed,
            State::Protected,
            State::ProtectedNamed,
            State::Buffered,
            State::BufferedNamed,
        ];
        let open = [
            Verb::User,
            Verb::Pass,
            Verb::Rein,
            Verb::Quit,
            Verb::Host,
            Verb::Auth,
            Verb::Pbsz,
            Verb::Prot,
            Verb::Abor,
            Verb::Feat,
            Verb::Opts,
            Verb::Lang,
            Verb::Help,
            Verb::Noop,
            Verb::Syst,
        ];
        for row in TABLE.iter().filter(|row| !open.contains(&row.verb)) {
            for state in before {
                assert_ne!(row.ruling(state, true), Y, "{} in {state:?}", row.verb);
            }
        }
    }
}
