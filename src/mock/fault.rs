//! Deliberate mistakes of the embedded server, a closed list.
//!
//! Named by the wrong behaviour, third person. Each one breaks one thing only, so that a scenario that catches it
//! catches just that.

use std::fmt;
use std::str::FromStr;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// One deliberate mistake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Fault {
            /// Every fault, in alphabetical order of the names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The kebab-case name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What the server does wrong, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

faults! {
    /// Aborts a data handshake that offers a TLS 1.3 PSK.
    AbortsOnPsk = "aborts-on-psk",
    /// Aborts a data handshake that offers a TLS 1.2 session id.
    AbortsOnSessionId = "aborts-on-session-id",
    /// Aborts a data handshake that offers a TLS 1.2 ticket.
    AbortsOnTls12Ticket = "aborts-on-tls12-ticket",
    /// Takes any resumed session on data, not only this control connection's.
    AcceptsAnySessionOnData = "accepts-any-session-on-data",
    /// Refuses AUTH when any other command came before.
    AcceptsAuthOnlyAsFirstCommand = "accepts-auth-only-as-first-command",
    /// Answers 200 to PBSZ abc.
    AcceptsBadPbszArgument = "accepts-bad-pbsz-argument",
    /// Logs in over a clear control connection although policy requires TLS.
    AcceptsClearLoginWhenTlsRequired = "accepts-clear-login-when-tls-required",
    /// Stores a clear upload although PROT P is in force.
    AcceptsClearUploadAfterProtP = "accepts-clear-upload-after-prot-p",
    /// Answers 220 to HOST after login.
    AcceptsHostAfterLogin = "accepts-host-after-login",
    /// Answers 230 to PASS with no USER.
    AcceptsPassWithoutUser = "accepts-pass-without-user",
    /// Answers 200 to PBSZ 0 in clear.
    AcceptsPbszInClear = "accepts-pbsz-in-clear",
    /// Accepts PROT C in clear after CCC.
    AcceptsProtAfterCcc = "accepts-prot-after-ccc",
    /// Answers 200 to PROT P in clear.
    AcceptsProtInClear = "accepts-prot-in-clear",
    /// Answers 200 to PROT P although data TLS is disabled by policy.
    AcceptsProtPWithoutDataTls = "accepts-prot-p-without-data-tls",
    /// Answers 200 to PROT S and sends data in clear.
    AcceptsProtSAndSendsClear = "accepts-prot-s-and-sends-clear",
    /// Answers 200 to PROT P with no PBSZ seen.
    AcceptsProtWithoutPbsz = "accepts-prot-without-pbsz",
    /// Takes data connections from a stranger with a full handshake (no binding).
    AcceptsStrangerOnData = "accepts-stranger-on-data",
    /// Answers a TLS 1.0/1.1 ClientHello with a ServerHello of that version on control.
    AcceptsTls10 = "accepts-tls10",
    /// The same on data connections only.
    AcceptsTls10OnData = "accepts-tls10-on-data",
    /// Answers 200 to PROT X.
    AcceptsUnknownProtLevel = "accepts-unknown-prot-level",
    /// Answers 226 when the data handshake failed.
    AcknowledgesFailedDataHandshake = "acknowledges-failed-data-handshake",
    /// Answers 226 when an upload is reset.
    AcknowledgesResetUpload = "acknowledges-reset-upload",
    /// Answers 226 when an upload ends without close_notify.
    AcknowledgesTruncatedUpload = "acknowledges-truncated-upload",
    /// Starts TLS as client on active data connections.
    ActsAsTlsClientInActiveMode = "acts-as-tls-client-in-active-mode",
    /// Sends a ticket lifetime above seven days.
    AnnouncesLongTicketLifetime = "announces-long-ticket-lifetime",
    /// Answers 335 to ADAT under TLS.
    AnswersAdatUnderTls = "answers-adat-under-tls",
    /// Answers 334 to AUTH TLS and then expects the handshake.
    AnswersAuthTlsWith334 = "answers-auth-tls-with-334",
    /// Answers 200 to CCC in clear before shutting TLS down.
    AnswersCccInClear = "answers-ccc-in-clear",
    /// Refuses `prot p`.
    ComparesProtArgumentCaseSensitively = "compares-prot-argument-case-sensitively",
    /// Answers ABOR during RETR with close_notify, 226, 226.
    CompletesAbortedTransfer = "completes-aborted-transfer",
    /// Answers 226 when the bytes announced by ALLO have arrived.
    CompletesUploadBeforeEof = "completes-upload-before-eof",
    /// PORT to an address other than the control peer's is connected.
    ConnectsToThirdParty = "connects-to-third-party",
    /// Expects TLS on data connections before any PROT.
    DefaultsToPrivateAfterAuth = "defaults-to-private-after-auth",
    /// Insists on the session of before REIN for data connections.
    DemandsOldSessionAfterRein = "demands-old-session-after-rein",
    /// Demands reuse but issues no TLS 1.3 tickets.
    DemandsReuseWithoutTickets = "demands-reuse-without-tickets",
    /// Loses what it had not read when close_notify arrives.
    DiscardsUnreadDataOnCloseNotify = "discards-unread-data-on-close-notify",
    /// Closes a data connection without reuse and sends no reply.
    DropsDataSilentlyWithoutReuse = "drops-data-silently-without-reuse",
    /// Drops the protection level when USER arrives.
    DropsProtLevelAtUser = "drops-prot-level-at-user",
    /// Closes the control connection when a data handshake fails.
    EndsSessionOnDataHandshakeFailure = "ends-session-on-data-handshake-failure",
    /// Keeps clear bytes received behind AUTH TLS and runs them as commands under TLS.
    ExecutesCommandsPipelinedBehindAuth = "executes-commands-pipelined-behind-auth",
    /// Sends tickets on data and treats the client's reset as failure before draining.
    FailsUploadWithUnreadTickets = "fails-upload-with-unread-tickets",
    /// Sets the level to Clear when PROT has a bad argument.
    FallsToClearOnBadProt = "falls-to-clear-on-bad-prot",
    /// Uses the protection level of the moment EPSV was answered.
    FixesLevelAtEpsv = "fixes-level-at-epsv",
    /// Refuses the control's session once a data connection's ticket was offered.
    ForgetsControlSessionAfterDataTicket = "forgets-control-session-after-data-ticket",
    /// PROT P holds for the next transfer only.
    ForgetsProtAfterOneTransfer = "forgets-prot-after-one-transfer",
    /// Puts RFC 2228 length prefixes on data after PBSZ 4096.
    FramesDataAfterLargePbsz = "frames-data-after-large-pbsz",
    /// Says nothing to LIST without PASV or PORT.
    HangsWithoutDataConnection = "hangs-without-data-connection",
    /// Does not answer ABOR during a transfer until it is over.
    IgnoresAbor = "ignores-abor",
    /// On AUTH SSL waits for a ClientHello on data and then sends clear data.
    ImpliesPrivateForAuthSslButSendsClear = "implies-private-for-auth-ssl-but-sends-clear",
    /// Keeps the user name given before AUTH TLS so that PASS alone logs in.
    KeepsPendingUserAcrossAuth = "keeps-pending-user-across-auth",
    /// Keeps Private in force across REIN.
    KeepsPrivateAcrossRein = "keeps-private-across-rein",
    /// Answers 200 to PROT C and keeps expecting TLS.
    KeepsPrivateAfterProtC = "keeps-private-after-prot-c",
    /// Keeps the RNFR name for ever.
    KeepsRenameSource = "keeps-rename-source",
    /// Keeps the login when AUTH TLS is sent after USER and PASS.
    KeepsUserAcrossAuth = "keeps-user-across-auth",
    /// Leaves AUTH TLS, PBSZ and PROT out of FEAT.
    OmitsAuthFromFeat = "omits-auth-from-feat",
    /// Closes TCP after 221 without close_notify.
    OmitsCloseNotifyOnControl = "omits-close-notify-on-control",
    /// The same for listings only.
    OmitsCloseNotifyOnListing = "omits-close-notify-on-listing",
    /// Ends downloads with FIN and no close_notify.
    OmitsCloseNotifyOnRetr = "omits-close-notify-on-retr",
    /// Stores records that come behind close_notify.
    ReadsOnAfterCloseNotify = "reads-on-after-close-notify",
    /// Answers 550 to PASV, EPSV and PORT until PROT P.
    RefusesPasvBeforeProt = "refuses-pasv-before-prot",
    /// Answers 503 to PBSZ on implicit sessions.
    RefusesPbszOnImplicit = "refuses-pbsz-on-implicit",
    /// Answers 501 to PBSZ 0.
    RefusesPbszZero = "refuses-pbsz-zero",
    /// Answers 503 to PROT P even after PBSZ 0.
    RefusesProtAfterPbsz = "refuses-prot-after-pbsz",
    /// Refuses every data handshake after CCC while demanding reuse.
    RefusesReuseAfterCcc = "refuses-reuse-after-ccc",
    /// Resets the data connection at once on receiving close_notify.
    ResetsOnCloseNotify = "resets-on-close-notify",
    /// A resumed control connection is logged in without USER.
    RestoresLoginFromSession = "restores-login-from-session",
    /// Resumes a session under another SNI.
    ResumesAcrossServerNames = "resumes-across-server-names",
    /// Resumes a session whose ticket was altered.
    ResumesForgedTickets = "resumes-forged-tickets",
    /// Issues two single-use tickets in all while demanding reuse.
    RunsOutOfTickets = "runs-out-of-tickets",
    /// Answers an ALPN list without `ftp` by selecting a protocol (h2).
    SelectsUnofferedAlpn = "selects-unoffered-alpn",
    /// Writes some clear bytes before the TLS handshake on a private data connection.
    SendsBytesBeforeDataHandshake = "sends-bytes-before-data-handshake",
    /// Answers 200 to PROT P and sends listings in clear.
    SendsListingInClearAfterProtP = "sends-listing-in-clear-after-prot-p",
    /// Goes on reading clear commands when the handshake behind 234 fails.
    ServesClearCommandsAfterFailedHandshake = "serves-clear-commands-after-failed-handshake",
    /// Serves data in clear although policy requires protection.
    ServesClearDataWhenTlsRequired = "serves-clear-data-when-tls-required",
    /// Serves data connections without resumption although policy requires it.
    ServesFullHandshakeWhenReuseRequired = "serves-full-handshake-when-reuse-required",
    /// Skips records with a bad MAC and answers 226.
    SkipsBadRecords = "skips-bad-records",
    /// Accepts passive data connections from another address.
    SkipsPeerAddressCheck = "skips-peer-address-check",
    /// Takes a fatal alert as end of file and answers 226.
    TreatsAlertAsEof = "treats-alert-as-eof",
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|fault| fault.name() == text)
            .ok_or_else(|| format!("unknown fault `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_read_back() {
        let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse::<Fault>(), Ok(*fault));
        }
    }
}
