//! Deliberate mistakes of the embedded server, a closed list.
//!
//! Named by the wrong behaviour, third person. Each one breaks one thing only, so that a scenario that catches it
//! catches just that.

use std::fmt;
use std::str::FromStr;

use super::closed_list::closed_list;

closed_list! { Fault, "One deliberate mistake.";
    /// Aborts handshakes (control and data) whose ALPN list has `ftp`.
    AbortsOnAlpnFtp = "aborts-on-alpn-ftp",
    /// Aborts a data handshake that offers a TLS 1.3 PSK.
    AbortsOnPsk = "aborts-on-psk",
    /// Aborts a data handshake that offers a TLS 1.2 session id.
    AbortsOnSessionId = "aborts-on-session-id",
    /// Aborts a data handshake that offers a TLS 1.2 ticket.
    AbortsOnTls12Ticket = "aborts-on-tls12-ticket",
    /// Aborts handshakes whose hello has an extension of RFC 8701 (GREASE).
    AbortsOnUnknownExtensions = "aborts-on-unknown-extensions",
    /// Aborts handshakes whose hello names a version that nobody knows.
    AbortsOnUnknownVersions = "aborts-on-unknown-versions",
    /// Answers 234 to AUTH with any argument, and to AUTH without one, then expects TLS.
    AcceptsAnyAuthMechanism = "accepts-any-auth-mechanism",
    /// Answers 220 to HOST with any address.
    AcceptsAnyHostLiteral = "accepts-any-host-literal",
    /// Answers 200 to LANG with any tag.
    AcceptsAnyLanguage = "accepts-any-language",
    /// Answers 230 to any password.
    AcceptsAnyPassword = "accepts-any-password",
    /// Takes any resumed session on data, not only this control connection's.
    AcceptsAnySessionOnData = "accepts-any-session-on-data",
    /// Answers 234 to AUTH TLS inside implicit TLS and waits for a second handshake.
    AcceptsAuthOnImplicit = "accepts-auth-on-implicit",
    /// Refuses AUTH when any other command came before.
    AcceptsAuthOnlyAsFirstCommand = "accepts-auth-only-as-first-command",
    /// Answers 200 to PBSZ abc.
    AcceptsBadPbszArgument = "accepts-bad-pbsz-argument",
    /// Answers 350 to REST abc.
    AcceptsBadRestartArgument = "accepts-bad-restart-argument",
    /// Answers a hello that offers only CBC suites with a ServerHello of TLS 1.2 without encrypt_then_mac.
    AcceptsCbcSuites = "accepts-cbc-suites",
    /// Answers 200 to CCC under TLS before login.
    AcceptsCccBeforeLogin = "accepts-ccc-before-login",
    /// Answers 200 to CCC without TLS.
    AcceptsCccInClear = "accepts-ccc-in-clear",
    /// Logs in over a clear control connection although policy requires TLS.
    AcceptsClearLoginWhenTlsRequired = "accepts-clear-login-when-tls-required",
    /// Stores a clear upload although PROT P is in force.
    AcceptsClearUploadAfterProtP = "accepts-clear-upload-after-prot-p",
    /// Answers 220 to HOST after login.
    AcceptsHostAfterLogin = "accepts-host-after-login",
    /// Answers 220 to HOST name:21.
    AcceptsHostWithPort = "accepts-host-with-port",
    /// Answers a ClientHello without renegotiation_info under TLS 1.2 with a ServerHello.
    AcceptsLegacyRenegotiation = "accepts-legacy-renegotiation",
    /// Answers 200 to PORT with a port below 1024.
    AcceptsLowPorts = "accepts-low-ports",
    /// Answers 200 to malformed PORT and EPRT arguments.
    AcceptsMalformedPort = "accepts-malformed-port",
    /// Answers a TLS 1.2 hello that offers only NULL, anonymous, export or RC4 suites with a ServerHello of
    /// the first one.
    AcceptsNullSuites = "accepts-null-suites",
    /// Takes records beyond the limit: a ClientHello is answered, an upload acknowledged.
    AcceptsOversizeRecords = "accepts-oversize-records",
    /// Answers 230 to PASS with no USER.
    AcceptsPassWithoutUser = "accepts-pass-without-user",
    /// Answers 200 to PBSZ 0 in clear.
    AcceptsPbszInClear = "accepts-pbsz-in-clear",
    /// Answers 200 to PORT and EPRT although active mode is off, and never connects.
    AcceptsPortWithoutActiveMode = "accepts-port-without-active-mode",
    /// Accepts PROT C in clear after CCC.
    AcceptsProtAfterCcc = "accepts-prot-after-ccc",
    /// Answers 200 to PROT C although policy requires protected data, and serves clear data then.
    AcceptsProtCAgainstPolicy = "accepts-prot-c-against-policy",
    /// Answers 200 to PROT P in clear.
    AcceptsProtInClear = "accepts-prot-in-clear",
    /// Answers 200 to PROT P although data TLS is disabled by policy.
    AcceptsProtPWithoutDataTls = "accepts-prot-p-without-data-tls",
    /// Answers 200 to PROT S and sends data in clear.
    AcceptsProtSAndSendsClear = "accepts-prot-s-and-sends-clear",
    /// Answers 200 to PROT P with no PBSZ seen.
    AcceptsProtWithoutPbsz = "accepts-prot-without-pbsz",
    /// Refuses the first ClientHello under TLS 1.2 and answers the second one with a ServerHello.
    AcceptsRepeatedRenegotiation = "accepts-repeated-renegotiation",
    /// Answers a hello that offers only SHA-1 signatures with a ServerHello of TLS 1.2.
    AcceptsSha1Signatures = "accepts-sha1-signatures",
    /// Answers an SSL 3.0 ClientHello with a ServerHello of that version.
    AcceptsSsl3 = "accepts-ssl3",
    /// Answers a hello that offers only static RSA, static Diffie-Hellman or triple DES with a ServerHello of TLS
    /// 1.2.
    AcceptsStaticRsa = "accepts-static-rsa",
    /// Takes data connections from a stranger with a full handshake (no binding).
    AcceptsStrangerOnData = "accepts-stranger-on-data",
    /// Answers a TLS 1.0/1.1 ClientHello with a ServerHello of that version on control.
    AcceptsTls10 = "accepts-tls10",
    /// Answers a TLS 1.0/1.1 ClientHello with a ServerHello of that version on data connections.
    AcceptsTls10OnData = "accepts-tls10-on-data",
    /// Answers 200 to unknown commands.
    AcceptsUnknownCommands = "accepts-unknown-commands",
    /// Answers 200 to EPRT |9|….
    AcceptsUnknownEprtProtocol = "accepts-unknown-eprt-protocol",
    /// Answers 229 to EPSV 9.
    AcceptsUnknownEpsvProtocol = "accepts-unknown-epsv-protocol",
    /// Answers 220 to HOST with a name that is not served.
    AcceptsUnknownHost = "accepts-unknown-host",
    /// Answers 200 to PROT X.
    AcceptsUnknownProtLevel = "accepts-unknown-prot-level",
    /// Answers 200 to TYPE Z, MODE Z, STRU Z.
    AcceptsUnknownType = "accepts-unknown-type",
    /// Answers a hello on a data connection that offers only suites which the control connection refuses (not CBC).
    AcceptsWeakSuitesOnData = "accepts-weak-suites-on-data",
    /// Answers 226 when the data handshake failed.
    AcknowledgesFailedDataHandshake = "acknowledges-failed-data-handshake",
    /// Keeps what fits of an upload that is larger than the store, and answers 226.
    AcknowledgesFullStore = "acknowledges-full-store",
    /// Answers 226 although no data connection came about.
    AcknowledgesMissingDataConnection = "acknowledges-missing-data-connection",
    /// RETR of a missing file: 150, empty data, 226.
    AcknowledgesMissingFile = "acknowledges-missing-file",
    /// Answers 226 to RETR although the client reset the data connection.
    AcknowledgesResetDownload = "acknowledges-reset-download",
    /// Answers 226 when an upload is reset.
    AcknowledgesResetUpload = "acknowledges-reset-upload",
    /// Answers 226 when an upload ends without close_notify.
    AcknowledgesTruncatedUpload = "acknowledges-truncated-upload",
    /// Answers 226 when an upload ends with FIN in the middle of a TLS record.
    AcknowledgesUploadCutWithinRecord = "acknowledges-upload-cut-within-record",
    /// Starts TLS as client on active data connections.
    ActsAsTlsClientInActiveMode = "acts-as-tls-client-in-active-mode",
    /// Sends a ClientHello on passive data connections.
    ActsAsTlsClientInPassiveMode = "acts-as-tls-client-in-passive-mode",
    /// MLSD begins with a line `total 4`.
    AddsHeaderToMlsd = "adds-header-to-mlsd",
    /// Lists `TVFS 1.0` in FEAT.
    AddsTextToTvfsFeature = "adds-text-to-tvfs-feature",
    /// Answers PASV and EPSV with a port that nobody listens on.
    AnnouncesClosedPort = "announces-closed-port",
    /// Sends a ticket lifetime above seven days.
    AnnouncesLongTicketLifetime = "announces-long-ticket-lifetime",
    /// Answers 232 to USER with any name once a client certificate was shown.
    Answers232ToEveryUser = "answers-232-to-every-user",
    /// Answers 335 to ADAT in clear.
    AnswersAdatInClear = "answers-adat-in-clear",
    /// Answers 335 to ADAT under TLS.
    AnswersAdatUnderTls = "answers-adat-under-tls",
    /// Answers USER anonymous past TLS.
    AnswersAnonymousInClear = "answers-anonymous-in-clear",
    /// Answers 334 to AUTH TLS and then expects the handshake.
    AnswersAuthTlsWith334 = "answers-auth-tls-with-334",
    /// Answers 234 to AUTH TLS although it has no TLS.
    AnswersAuthWith234WithoutTls = "answers-auth-with-234-without-tls",
    /// Answers 530 to AUTH where there is no TLS.
    AnswersAuthWith530 = "answers-auth-with-530",
    /// Answers 200 to CCC in clear before shutting TLS down.
    AnswersCccInClear = "answers-ccc-in-clear",
    /// Answers 200 to HELP.
    AnswersHelpWith200 = "answers-help-with-200",
    /// Answers 200 to HOST.
    AnswersHostWith200 = "answers-host-with-200",
    /// Answers `213 Sun Jan 01 00:00:00 2026` to MDTM.
    AnswersMdtmInWords = "answers-mdtm-in-words",
    /// Ends MLSD with 200.
    AnswersMlsdWith200 = "answers-mlsd-with-200",
    /// Answers 250 to NOOP.
    AnswersNoopWith250 = "answers-noop-with-250",
    /// Answers 202 to OPTS MLST.
    AnswersOptsMlstWith202 = "answers-opts-mlst-with-202",
    /// Answers 500 to OPTS of an unknown name.
    AnswersOptsWith500 = "answers-opts-with-500",
    /// Answers 227 with 0,0,0,0 to PASV over IPv6.
    AnswersPasvOverIpv6 = "answers-pasv-over-ipv6",
    /// Answers `227 ok`.
    AnswersPasvWithoutAddress = "answers-pasv-without-address",
    /// Sends the 220 to REIN in clear past TLS.
    AnswersReinInClear = "answers-rein-in-clear",
    /// Answers `213 size is 1` to SIZE.
    AnswersSizeInWords = "answers-size-in-words",
    /// Answers STAT of a path as if it were LIST, with 150.
    AnswersStatPathWith150 = "answers-stat-path-with-150",
    /// Answers 200 to SYST.
    AnswersSystWith200 = "answers-syst-with-200",
    /// APPE behind REST appends at the end all the same.
    AppendsBehindRestart = "appends-behind-restart",
    /// Answers 350 to NOOP.
    AsksForMoreAfterNoop = "asks-for-more-after-noop",
    /// Asks for no client certificate although policy requires one.
    AsksForNoCertificate = "asks-for-no-certificate",
    /// Selects no fact at all when OPTS MLST is refused.
    ClearsFactsOnBadOpts = "clears-facts-on-bad-opts",
    /// Closes on an empty line.
    ClosesOnEmptyLine = "closes-on-empty-line",
    /// Closes the control connection on ABOR without a transfer.
    ClosesOnIdleAbor = "closes-on-idle-abor",
    /// Closes the control connection on LIST -la.
    ClosesOnListOptions = "closes-on-list-options",
    /// Closes on OPTS UTF8 ON.
    ClosesOnOptsUtf8 = "closes-on-opts-utf8",
    /// Answers 504 to `AUTH tls`.
    ComparesAuthMechanismCaseSensitively = "compares-auth-mechanism-case-sensitively",
    /// Answers 500 to `noop`.
    ComparesCommandsCaseSensitively = "compares-commands-case-sensitively",
    /// Answers 504 to `TYPE i`, `MODE s`, `STRU f`.
    ComparesParametersCaseSensitively = "compares-parameters-case-sensitively",
    /// Refuses `prot p`.
    ComparesProtArgumentCaseSensitively = "compares-prot-argument-case-sensitively",
    /// Answers ABOR during RETR with close_notify, 226, 226.
    CompletesAbortedTransfer = "completes-aborted-transfer",
    /// Answers 226 when the bytes announced by ALLO have arrived.
    CompletesUploadBeforeEof = "completes-upload-before-eof",
    /// Opens active data connections from 127.0.0.3.
    ConnectsFromAnotherAddress = "connects-from-another-address",
    /// Opens active data connections from any port.
    ConnectsFromAnyPort = "connects-from-any-port",
    /// PORT to an address other than the control peer's is connected.
    ConnectsToThirdParty = "connects-to-third-party",
    /// Hands out passive ports one behind the other.
    CountsPassivePortsUp = "counts-passive-ports-up",
    /// The unique fact is another number every time.
    CountsUniqueFacts = "counts-unique-facts",
    /// A NUL ends the argument of a command.
    CutsNamesAtNul = "cuts-names-at-nul",
    /// The type after login is I.
    DefaultsToImage = "defaults-to-image",
    /// Expects TLS on data connections before any PROT.
    DefaultsToPrivateAfterAuth = "defaults-to-private-after-auth",
    /// Answers 250 to DELE and RMD of missing names.
    DeletesMissingFiles = "deletes-missing-files",
    /// Answers 503 to USER without HOST.
    DemandsHostBeforeUser = "demands-host-before-user",
    /// Insists on the session of before REIN for data connections.
    DemandsOldSessionAfterRein = "demands-old-session-after-rein",
    /// Demands reuse but issues no TLS 1.3 tickets.
    DemandsReuseWithoutTickets = "demands-reuse-without-tickets",
    /// Lists `MDTM YYYYMMDDHHMMSS file` in FEAT.
    DescribesMdtmInFeat = "describes-mdtm-in-feat",
    /// Loses what it had not read when close_notify arrives.
    DiscardsUnreadDataOnCloseNotify = "discards-unread-data-on-close-notify",
    /// Forgets commands that arrive during a transfer.
    DropsCommandsDuringTransfer = "drops-commands-during-transfer",
    /// Closes a data connection without reuse and sends no reply.
    DropsDataSilentlyWithoutReuse = "drops-data-silently-without-reuse",
    /// Loses what does not fill a 16384-byte piece at the end of a download (an empty rest stays empty).
    DropsLastPartialRecord = "drops-last-partial-record",
    /// REST after EPSV closes the listener.
    DropsListenerOnRest = "drops-listener-on-rest",
    /// Drops the protection level when USER arrives.
    DropsProtLevelAtUser = "drops-prot-level-at-user",
    /// Repeats unknown commands in the 500 reply.
    EchoesUnknownCommands = "echoes-unknown-commands",
    /// Lines of LIST and NLST end with LF alone.
    EndsListingLinesWithLf = "ends-listing-lines-with-lf",
    /// Ends the 211- reply of FEAT with `212 End` and then `211 End`.
    EndsMultilineWithAnotherCode = "ends-multiline-with-another-code",
    /// Ends replies with LF only.
    EndsRepliesWithLf = "ends-replies-with-lf",
    /// Closes the control connection when a data handshake fails.
    EndsSessionOnDataHandshakeFailure = "ends-session-on-data-handshake-failure",
    /// Answers 250 to CWD of a missing directory.
    EntersMissingDirectories = "enters-missing-directories",
    /// Keeps clear bytes received behind AUTH TLS and runs them as commands under TLS.
    ExecutesCommandsPipelinedBehindAuth = "executes-commands-pipelined-behind-auth",
    /// Runs what one read (one TLS record) returned, line end or not.
    ExecutesPartialLines = "executes-partial-lines",
    /// SIZE takes `*` for any ending of a name.
    ExpandsWildcardsInSize = "expands-wildcards-in-size",
    /// Sends tickets on data and treats the client's reset as failure before draining.
    FailsUploadWithUnreadTickets = "fails-upload-with-unread-tickets",
    /// Sends a private download in clear when no ClientHello comes.
    FallsBackToClearData = "falls-back-to-clear-data",
    /// Sets the level to Clear when PROT has a bad argument.
    FallsToClearOnBadProt = "falls-to-clear-on-bad-prot",
    /// Uses the protection level of the moment EPSV was answered.
    FixesLevelAtEpsv = "fixes-level-at-epsv",
    /// Takes the first suite of a client of TLS 1.2, whatever it is.
    FollowsClientSuiteOrder = "follows-client-suite-order",
    /// Refuses the control's session once a data connection's ticket was offered.
    ForgetsControlSessionAfterDataTicket = "forgets-control-session-after-data-ticket",
    /// Answers 503 to a second AUTH (under TLS) and drops the login.
    ForgetsLoginOnRefusedAuth = "forgets-login-on-refused-auth",
    /// PROT P holds for the next transfer only.
    ForgetsProtAfterOneTransfer = "forgets-prot-after-one-transfer",
    /// Puts RFC 2228 length prefixes on data after PBSZ 4096.
    FramesDataAfterLargePbsz = "frames-data-after-large-pbsz",
    /// The unique fact is the same for every file.
    GivesEveryFileOneUniqueFact = "gives-every-file-one-unique-fact",
    /// Sends tickets of TLS 1.3 that allow early data, and takes it.
    GrantsEarlyData = "grants-early-data",
    /// Sends 220 in clear on the implicit port when TLS does not start at once.
    GreetsInClearOnImplicit = "greets-in-clear-on-implicit",
    /// Sends a second `220 Ready` 100 ms after the greeting.
    GreetsTwice = "greets-twice",
    /// Closes an idle control connection long before the limit, without 421.
    HangsUpEarly = "hangs-up-early",
    /// Says nothing to LIST without PASV or PORT.
    HangsWithoutDataConnection = "hangs-without-data-connection",
    /// Takes any number of unknown commands before login.
    HasNoLimitForUnknownCommands = "has-no-limit-for-unknown-commands",
    /// Answers `150 Fine.` to STOU, without the name.
    HidesTheNameOfStou = "hides-the-name-of-stou",
    /// Does not answer ABOR during a transfer until it is over.
    IgnoresAbor = "ignores-abor",
    /// Answers 250 to CDUP and stays.
    IgnoresCdup = "ignores-cdup",
    /// Answers 200 to EPSV ALL and goes on accepting PASV, PORT, EPRT.
    IgnoresEpsvAll = "ignores-epsv-all",
    /// Answers 229 to EPSV with any argument.
    IgnoresEpsvArgument = "ignores-epsv-argument",
    /// Leaves extended_master_secret out of the ServerHello of TLS 1.2.
    IgnoresExtendedMasterSecret = "ignores-extended-master-secret",
    /// Answers 200 to OPTS MLST and sends all facts.
    IgnoresFactSelection = "ignores-fact-selection",
    /// Answers 211 to FEAT with an argument.
    IgnoresFeatArgument = "ignores-feat-argument",
    /// Takes a data connection without the client certificate of the control connection.
    IgnoresMissingClientCertificate = "ignores-missing-client-certificate",
    /// Takes a data connection with another client certificate than the control connection has.
    IgnoresOtherClientCertificate = "ignores-other-client-certificate",
    /// REST 0 leaves the earlier offset in force.
    IgnoresRest0 = "ignores-rest-0",
    /// Answers 350 to REST and transfers from 0 (STOR replaces the file).
    IgnoresRestartOffset = "ignores-restart-offset",
    /// Answers 220 to HOST with another name than that of the handshake.
    IgnoresSniAtHost = "ignores-sni-at-host",
    /// On AUTH SSL waits for a ClientHello on data and then sends clear data.
    ImpliesPrivateForAuthSslButSendsClear = "implies-private-for-auth-ssl-but-sends-clear",
    /// FEAT with two spaces before each feature.
    IndentsFeaturesTwice = "indents-features-twice",
    /// SIZE 213 0, MDTM 213 19700101000000, MLST 250 for missing paths.
    InventsFactsOfMissingFiles = "invents-facts-of-missing-files",
    /// AUTH after login resets the login but not the working directory.
    KeepsCwdAcrossAuth = "keeps-cwd-across-auth",
    /// Sends 226 and leaves the data connection open.
    KeepsDataConnectionOpen = "keeps-data-connection-open",
    /// IAC IAC in a path name stays two bytes.
    KeepsDoubledIac = "keeps-doubled-iac",
    /// HOST outlives REIN.
    KeepsHostAcrossRein = "keeps-host-across-rein",
    /// A passive listener opened before AUTH serves a transfer after it.
    KeepsListenerAcrossAuth = "keeps-listener-across-auth",
    /// REIN answers 220, ends TLS, but the login stays (also after the next AUTH).
    KeepsLoginAcrossRein = "keeps-login-across-rein",
    /// USER of another name leaves the login in force.
    KeepsLoginAtUser = "keeps-login-at-user",
    /// Keeps the user name given before AUTH TLS so that PASS alone logs in.
    KeepsPendingUserAcrossAuth = "keeps-pending-user-across-auth",
    /// Keeps Private in force across REIN.
    KeepsPrivateAcrossRein = "keeps-private-across-rein",
    /// Answers 200 to PROT C and keeps expecting TLS.
    KeepsPrivateAfterProtC = "keeps-private-after-prot-c",
    /// Keeps the RNFR name for ever.
    KeepsRenameSource = "keeps-rename-source",
    /// RNFR before AUTH, RNTO after it and a new login works.
    KeepsRenameSourceAcrossAuth = "keeps-rename-source-across-auth",
    /// The REST offset stays in force for later transfers.
    KeepsRestartOffset = "keeps-restart-offset",
    /// REIN ends the login and not TLS.
    KeepsTlsAcrossRein = "keeps-tls-across-rein",
    /// TYPE I chosen before AUTH is still in force after it.
    KeepsTypeAcrossAuth = "keeps-type-across-auth",
    /// Keeps the login when AUTH TLS is sent after USER and PASS.
    KeepsUserAcrossAuth = "keeps-user-across-auth",
    /// HOST leaves the name of USER in force.
    KeepsUserAcrossHost = "keeps-user-across-host",
    /// Answers 502 to ALLO.
    LacksAllo = "lacks-allo",
    /// Answers 502 to STRU.
    LacksStru = "lacks-stru",
    /// Answers 502 to SYST.
    LacksSyst = "lacks-syst",
    /// Answers 500 to XPWD, XMKD, XRMD, XCWD and XCUP.
    LacksXCommands = "lacks-x-commands",
    /// Sends no reply to an upload that ends without close_notify.
    LeavesTruncatedUploadUnanswered = "leaves-truncated-upload-unanswered",
    /// EPSV over IPv6 listens on 127.0.0.1.
    ListensOnIpv4ForEpsv = "listens-on-ipv4-for-epsv",
    /// MLSD of a plain file lists it.
    ListsFilesWithMlsd = "lists-files-with-mlsd",
    /// Lists LANG without a language in FEAT.
    ListsLangWithoutTags = "lists-lang-without-tags",
    /// LIST and NLST of a missing path: 150, nothing, 226.
    ListsMissingPathsAsEmpty = "lists-missing-paths-as-empty",
    /// Answers 500 to MLST, which FEAT lists.
    ListsMlstWithoutServingIt = "lists-mlst-without-serving-it",
    /// Lists `base` and `nat6` in FEAT.
    ListsPseudoCodes = "lists-pseudo-codes",
    /// Listings without argument show the root.
    ListsRootAlways = "lists-root-always",
    /// Counts as logged in once TLS is up.
    LogsInAfterTls = "logs-in-after-tls",
    /// Answers 331 to USER and is logged in already once a client certificate was shown.
    LogsInByCertificateInSilence = "logs-in-by-certificate-in-silence",
    /// After ABOR, 425 to every later transfer.
    LosesDataPathAfterAbor = "loses-data-path-after-abor",
    /// A file can be renamed during its upload; what was uploaded is acknowledged then and lost.
    LosesRenamedUpload = "loses-renamed-upload",
    /// Answers 257 to MKD of an existing directory.
    MakesExistingDirectories = "makes-existing-directories",
    /// A handshake on a control connection waits for every other one to end.
    MakesOneHandshakeAtATime = "makes-one-handshake-at-a-time",
    /// Sends the file of a second RETR over the data connection of the first.
    MixesTransfers = "mixes-transfers",
    /// Chooses DEFLATE in TLS 1.2 where the client offers it.
    NegotiatesCompression = "negotiates-compression",
    /// Answers every hello behind AUTH SSL with a ServerHello of SSL 3.0.
    NegotiatesSsl3BehindAuthSsl = "negotiates-ssl3-behind-auth-ssl",
    /// Echoes truncated_hmac in TLS 1.2.
    NegotiatesTruncatedHmac = "negotiates-truncated-hmac",
    /// Answers 200 to PORT/EPRT and 150 to LIST, never connects, 425 after a second.
    NeverConnectsInActiveMode = "never-connects-in-active-mode",
    /// Sends no 150, only the final reply.
    Omits150 = "omits-150",
    /// Leaves AUTH TLS, PBSZ and PROT out of FEAT.
    OmitsAuthFromFeat = "omits-auth-from-feat",
    /// Closes TCP after 221 without close_notify.
    OmitsCloseNotifyOnControl = "omits-close-notify-on-control",
    /// Ends listings with FIN and no close_notify.
    OmitsCloseNotifyOnListing = "omits-close-notify-on-listing",
    /// Ends downloads with FIN and no close_notify.
    OmitsCloseNotifyOnRetr = "omits-close-notify-on-retr",
    /// Negotiates TLS 1.2 without a sign in the random that it has TLS 1.3.
    OmitsDowngradeSentinel = "omits-downgrade-sentinel",
    /// Leaves HOST out of FEAT.
    OmitsHostFromFeat = "omits-host-from-feat",
    /// Shows a certificate without the intermediate authority that signed it.
    OmitsIntermediate = "omits-intermediate",
    /// Leaves MDTM out of FEAT.
    OmitsMdtmFromFeat = "omits-mdtm-from-feat",
    /// Leaves `perm` out of the MLST line of FEAT.
    OmitsPermFromMlstFeature = "omits-perm-from-mlst-feature",
    /// Sends 257 without quotes.
    OmitsQuotesIn257 = "omits-quotes-in-257",
    /// Leaves renegotiation_info out of the ServerHello of TLS 1.2.
    OmitsRenegotiationInfo = "omits-renegotiation-info",
    /// Leaves REST STREAM out of FEAT.
    OmitsRestFromFeat = "omits-rest-from-feat",
    /// MLST without the space before the entry.
    OmitsSpaceBeforeMlstEntry = "omits-space-before-mlst-entry",
    /// Issues no TLS 1.3 tickets, and demands no reuse.
    OmitsTls13Tickets = "omits-tls13-tickets",
    /// Leaves UTF8 out of FEAT.
    OmitsUtf8FromFeat = "omits-utf8-from-feat",
    /// STOR over an existing file keeps its old tail.
    OpensWithoutTruncation = "opens-without-truncation",
    /// Two spaces between facts and name.
    PadsFacts = "pads-facts",
    /// Negotiates TLS 1.2 although both sides have 1.3.
    PrefersTls12 = "prefers-tls12",
    /// Runs only the first line of each read and forgets the rest.
    ProcessesFirstLineOnly = "processes-first-line-only",
    /// Answers `229 Entering (|1|10.0.0.1|PORT|)`.
    PutsAddressInto229 = "puts-address-into-229",
    /// QUIT during a transfer ends the session at once, with 226 and 221.
    QuitsAtOnce = "quits-at-once",
    /// Stores records that come behind close_notify.
    ReadsOnAfterCloseNotify = "reads-on-after-close-notify",
    /// `..` above the home leads out of it.
    ReadsOutsideOfTheHome = "reads-outside-of-the-home",
    /// Answers 502 to AUTH.
    RefusesAuthTls = "refuses-auth-tls",
    /// Answers 530 to FEAT before login.
    RefusesFeatBeforeLogin = "refuses-feat-before-login",
    /// Aborts handshakes without a server name.
    RefusesHelloWithoutSni = "refuses-hello-without-sni",
    /// Aborts handshakes whose first record has another version than 3.3.
    RefusesOtherRecordVersions = "refuses-other-record-versions",
    /// Answers wrong passwords without a delay.
    RefusesPasswordsAtOnce = "refuses-passwords-at-once",
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
    /// Answers 504 to AUTH TLS-C.
    RefusesTlsC = "refuses-tls-c",
    /// Refuses TLS 1.2.
    RefusesTls12 = "refuses-tls12",
    /// Answers 504 to TYPE A T.
    RefusesTypeAT = "refuses-type-a-t",
    /// Answers 504 to TYPE L 8.
    RefusesTypeL8 = "refuses-type-l-8",
    /// Answers 530 to USER with an unknown name.
    RefusesUnknownUserAtUser = "refuses-unknown-user-at-user",
    /// The modify fact is an hour ahead.
    ReportsModifyInLocalTime = "reports-modify-in-local-time",
    /// The perm fact is `0644`.
    ReportsPermAsUnixMode = "reports-perm-as-unix-mode",
    /// The size fact is in KiB, `4K`.
    ReportsSizeFactInKib = "reports-size-fact-in-kib",
    /// The type fact of directories is `folder`.
    ReportsTypeFolder = "reports-type-folder",
    /// SIZE one byte too large.
    ReportsWrongSize = "reports-wrong-size",
    /// Resets the connection of a handshake without a common suite, and sends no alert.
    ResetsFailedHandshakes = "resets-failed-handshakes",
    /// Resets the data connection at once on receiving close_notify.
    ResetsOnCloseNotify = "resets-on-close-notify",
    /// A resumed control connection is logged in without USER.
    RestoresLoginFromSession = "restores-login-from-session",
    /// Resumes a session under another SNI.
    ResumesAcrossServerNames = "resumes-across-server-names",
    /// Resumes a session whose ticket was altered.
    ResumesForgedTickets = "resumes-forged-tickets",
    /// Resumes a TLS 1.2 session with extended master secret on a data connection whose hello lacks it.
    ResumesWithoutExtendedMasterSecret = "resumes-without-extended-master-secret",
    /// Keeps the passive listener after a transfer and serves the next transfer on it.
    ReusesPassiveListener = "reuses-passive-listener",
    /// Runs what was sent under TLS behind CCC once under TLS and once in clear.
    RunsCommandsBehindCccTwice = "runs-commands-behind-ccc-twice",
    /// Issues two single-use tickets in all while demanding reuse.
    RunsOutOfTickets = "runs-out-of-tickets",
    /// Answers 200 to SITE EXEC.
    RunsSiteExec = "runs-site-exec",
    /// Resumes TLS 1.3 on data connections without a key exchange, though the client did not offer that.
    SelectsPskKe = "selects-psk-ke",
    /// Answers an ALPN list without `ftp` by selecting a protocol (h2).
    SelectsUnofferedAlpn = "selects-unoffered-alpn",
    /// Sends 150 only after the data handshake.
    Sends150AfterDataHandshake = "sends-150-after-data-handshake",
    /// Sends two 150 replies before a transfer.
    Sends150Twice = "sends-150-twice",
    /// After LANG, the path of 257 stands in angle quotes.
    SendsAngleQuotesAfterLang = "sends-angle-quotes-after-lang",
    /// Writes some clear bytes before the TLS handshake on a private data connection.
    SendsBytesBeforeDataHandshake = "sends-bytes-before-data-handshake",
    /// Writes `220 hello` in clear in the same segment behind 234, then does TLS.
    SendsClearLineBehind234 = "sends-clear-line-behind-234",
    /// MLSD lists `.` although no type fact was asked for.
    SendsDotEntriesWithoutType = "sends-dot-entries-without-type",
    /// Answers TYPE, CWD and NOOP twice.
    SendsFinalReplyTwice = "sends-final-reply-twice",
    /// Sends the stored text unchanged in type A.
    SendsLfInTypeA = "sends-lf-in-type-a",
    /// Answers 200 to PROT P and sends listings in clear.
    SendsListingInClearAfterProtP = "sends-listing-in-clear-after-prot-p",
    /// NLST in the format of LIST.
    SendsLongFormatForNlst = "sends-long-format-for-nlst",
    /// STAT of a directory sends bare names at the start of the line.
    SendsNamesUnpaddedInStat = "sends-names-unpadded-in-stat",
    /// MLSD lists full paths.
    SendsPathsInMlsd = "sends-paths-in-mlsd",
    /// Writes the reply to STAT in clear past TLS.
    SendsStatInClear = "sends-stat-in-clear",
    /// Lists `MLST type, size` in FEAT.
    SeparatesFactsWithCommas = "separates-facts-with-commas",
    /// Finishes handshakes under a server name that is not its own.
    ServesAnyServerName = "serves-any-server-name",
    /// Answers 500 to HTTP requests and goes on.
    ServesBrowsers = "serves-browsers",
    /// Ignores ALPN on data connections.
    ServesBrowsersOnData = "serves-browsers-on-data",
    /// Serves CCC although policy does not allow it.
    ServesCcc = "serves-ccc",
    /// Goes on reading clear commands when the handshake behind 234 fails.
    ServesClearCommandsAfterFailedHandshake = "serves-clear-commands-after-failed-handshake",
    /// Serves data in clear although policy requires protection.
    ServesClearDataWhenTlsRequired = "serves-clear-data-when-tls-required",
    /// Serves every connection to a passive port.
    ServesEveryDataConnection = "serves-every-data-connection",
    /// Serves data connections without resumption although policy requires it.
    ServesFullHandshakeWhenReuseRequired = "serves-full-handshake-when-reuse-required",
    /// A transfer goes on to its end when the control connection is lost.
    ServesOnAfterControlLoss = "serves-on-after-control-loss",
    /// Keeps the listener of an earlier EPSV and prefers a connection that came there.
    ServesOnOldListener = "serves-on-old-listener",
    /// Answers SIZE, MDTM and MLST before login.
    ServesSizeBeforeLogin = "serves-size-before-login",
    /// MDTM with a time before the name sets the time of the file.
    SetsTimeWithMdtm = "sets-time-with-mdtm",
    /// MLSD leaves type A in force.
    SetsTypeAOnMlsd = "sets-type-a-on-mlsd",
    /// Answers 227 with 127.0.0.99.
    ShowsAnotherAddressIn227 = "shows-another-address-in-227",
    /// Uses another certificate on data connections.
    ShowsAnotherCertificateOnData = "shows-another-certificate-on-data",
    /// Shows a certificate that has expired.
    ShowsExpiredCertificate = "shows-expired-certificate",
    /// Shows a certificate without subject alternative names.
    ShowsNamelessCertificate = "shows-nameless-certificate",
    /// HOST does not choose the certificate.
    ShowsOneCertificateForEveryHost = "shows-one-certificate-for-every-host",
    /// Skips records with a bad MAC and answers 226.
    SkipsBadRecords = "skips-bad-records",
    /// Closes the data connection without TLS when a listing is empty, 226.
    SkipsHandshakeForEmptyListing = "skips-handshake-for-empty-listing",
    /// Accepts passive data connections from another address.
    SkipsPeerAddressCheck = "skips-peer-address-check",
    /// Runs what comes behind 1024 bytes of a line as a command.
    SplitsLinesAt1024Bytes = "splits-lines-at-1024-bytes",
    /// Takes a bare LF for a line end.
    SplitsLinesAtBareLf = "splits-lines-at-bare-lf",
    /// Answers 221 and keeps the connection open.
    StaysOpenAfterQuit = "stays-open-after-quit",
    /// Stores CRLF as it came in type A, and adds another CR when it sends.
    StoresCrInTypeA = "stores-cr-in-type-a",
    /// Bit 7 of path names is left out.
    StripsBit7 = "strips-bit-7",
    /// Takes any number of wrong passwords.
    TakesAnyNumberOfPasswords = "takes-any-number-of-passwords",
    /// Answers 501 to EPRT with another delimiter than `|`.
    TakesOnlyPipeInEprt = "takes-only-pipe-in-eprt",
    /// Answers 500 to commands with Telnet options before them.
    TakesTelnetForText = "takes-telnet-for-text",
    /// Sends a 211 when no command came for half a second.
    TalksWhileIdle = "talks-while-idle",
    /// Turns non-ASCII letters of names into `?`.
    TransliteratesNames = "transliterates-names",
    /// `/a` is looked for below the working directory.
    TreatsAbsolutePathsAsRelative = "treats-absolute-paths-as-relative",
    /// Takes a fatal alert as end of file and answers 226.
    TreatsAlertAsEof = "treats-alert-as-eof",
    /// APPE replaces the file.
    TreatsAppeAsStor = "treats-appe-as-stor",
    /// Takes an empty record for the end of an upload and answers 226.
    TreatsEmptyRecordAsEof = "treats-empty-record-as-eof",
    /// Gives a connection up when a KeyUpdate comes.
    TreatsKeyUpdateAsFatal = "treats-key-update-as-fatal",
    /// Spaces before a path name are left out.
    TrimsLeadingSpaces = "trims-leading-spaces",
    /// Spaces behind a path name are left out.
    TrimsTrailingSpaces = "trims-trailing-spaces",
    /// Answers a hello that offers only DHE suites in TLS 1.2 with a group of 1024 bits.
    UsesShortDhGroup = "uses-short-dh-group",
    /// Never gives up waiting for a ClientHello on the control connection.
    WaitsForEverForAHello = "waits-for-ever-for-a-hello",
    /// Never gives up waiting for a ClientHello on a data connection.
    WaitsForEverOnData = "waits-for-ever-on-data",
    /// Sends no greeting before a ClientHello.
    WaitsForTlsOnExplicitPort = "waits-for-tls-on-explicit-port",
    /// Sends unrecognized_name as a warning under an unknown server name and goes on.
    WarnsOfUnknownServerNames = "warns-of-unknown-server-names",
    /// Takes a restart offset beyond the end modulo the size.
    WrapsRestartOffset = "wraps-restart-offset",
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

    /// A fault that the server never looks at would let a scenario pass its proof for the wrong reason.
    #[test]
    fn every_fault_is_used_by_the_server() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mock");
        let mut sources = String::new();
        for folder in ["", "commands", "data", "hello", "session"].map(|name| folder.join(name)) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let is_source = path.extension().is_some_and(|extension| extension == "rs");
                if is_source && !path.ends_with("fault.rs") {
                    let text = std::fs::read_to_string(path).unwrap();
                    sources.push_str(text.split("#[cfg(test)]").next().unwrap_or_default());
                }
            }
        }
        for fault in Fault::ALL {
            let name = format!("Fault::{fault:?}");
            let is_used = sources.match_indices(&name).any(|(index, name)| {
                let rest = sources.get(index + name.len()..).unwrap_or_default();
                !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
            });
            assert!(is_used, "{fault} is in the list and nowhere else");
        }
    }
}
