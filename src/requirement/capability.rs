//! What a target can do, as far as scenarios need to know: one closed list of words.
//!
//! A capability is declared in a target's profile or discovered by a scenario under `scenarios/discover/`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// One word of a profile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Capability {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl Capability {
            /// Every capability, in alphabetical order of the words.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

capabilities! {
    /// ABOR ends a running transfer.
    Abor = "abor",
    /// PORT and EPRT are switched off by policy.
    ActiveOff = "active-off",
    /// APPE appends to a file.
    Append = "append",
    /// AUTH TLS is accepted after a login in clear (and ends that login).
    AuthAfterLogin = "auth-after-login",
    /// AUTH SSL is accepted as another name of AUTH TLS.
    AuthSsl = "auth-ssl",
    /// AUTH TLS works (explicit TLS).
    AuthTls = "auth-tls",
    /// PORT and EPRT to the harness's own listener on another port are allowed by the profile for bounce checks.
    BounceToHarness = "bounce-to-harness",
    /// CCC returns the control connection to clear text.
    Ccc = "ccc",
    /// Transfers in clear (PROT C) are served.
    ClearData = "clear-data",
    /// USER and PASS are accepted in clear.
    ClearLogin = "clear-login",
    /// The target asks clients for a certificate and the profile has one.
    ClientCertificate = "client-certificate",
    /// The target logs nobody in who shows no certificate.
    ClientCertificateRequired = "client-certificate-required",
    /// Unprotected data connections are refused.
    DataTlsRequired = "data-tls-required",
    /// EPRT works.
    Eprt = "eprt",
    /// EPSV works.
    Epsv = "epsv",
    /// FEAT is answered with 211.
    Feat = "feat",
    /// HOST (RFC 7151) works.
    Host = "host",
    /// TLS starts at once on the control connection (implicit TLS).
    ImplicitTls = "implicit-tls",
    /// The target is reachable over IPv6.
    Ipv6 = "ipv6",
    /// An authority that the profile names (or, unless it names some, one of this machine) vouches for the certificate.
    KnownAuthority = "known-authority",
    /// LANG (RFC 2640) works.
    Lang = "lang",
    /// MDTM works.
    Mdtm = "mdtm",
    /// MLSD and MLST work.
    Mlsd = "mlsd",
    /// There is no TLS at all.
    NoTls = "no-tls",
    /// PASV works.
    Pasv = "pasv",
    /// PORT works.
    Port = "port",
    /// PROT C is refused under TLS.
    ProtCRefused = "prot-c-refused",
    /// PROT P is refused (no TLS on data connections by policy).
    ProtPRefused = "prot-p-refused",
    /// The store has a limit, set in the profile, that an upload can exceed.
    Quota = "quota",
    /// REIN works.
    Rein = "rein",
    /// RNFR and RNTO work.
    Rename = "rename",
    /// REST in stream mode works.
    RestStream = "rest-stream",
    /// A second account is in the profile.
    SecondAccount = "second-account",
    /// The harness can use a second source address.
    SecondAddress = "second-address",
    /// A second name for HOST is in the profile.
    SecondHost = "second-host",
    /// Data connections must resume a TLS session of the control connection.
    SessionReuseRequired = "session-reuse-required",
    /// A TLS 1.2 session of the control connection can be resumed on data connections.
    SessionReuseTls12 = "session-reuse-tls1.2",
    /// A TLS 1.3 session of the control connection can be resumed on data connections.
    SessionReuseTls13 = "session-reuse-tls1.3",
    /// SIZE works.
    Size = "size",
    /// STOU works.
    Stou = "stou",
    /// USER and PASS in clear are refused.
    TlsRequired = "tls-required",
    /// TLS 1.2 can be negotiated.
    Tls12 = "tls1.2",
    /// TLS 1.3 can be negotiated.
    Tls13 = "tls1.3",
    /// Files may be written below the login folder.
    Upload = "upload",
    /// A user name in UTF-8 and OPTS UTF8 are understood.
    Utf8 = "utf8",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Capability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|capability| capability.name() == text)
            .ok_or_else(|| format!("unknown capability `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted_and_read_back() {
        let words: Vec<&str> = Capability::ALL
            .iter()
            .map(|capability| capability.name())
            .collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        assert_eq!(words, sorted);
        for capability in Capability::ALL {
            assert_eq!(capability.name().parse::<Capability>(), Ok(*capability));
            assert!(capability.meaning().ends_with('.'));
        }
    }
}
