//! Certificates made on demand: recipes (YAML in `certs/`, part of the program) and an authority that signs them.
//!
//! For the embedded server, for targets that are given a certificate, and for tests. RFC 5280 says what is in a
//! certificate; what a wrong one should lead to is the business of the scenarios.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, RsaKeySize,
};
use serde::Deserialize;
use time::{Duration as Days, OffsetDateTime};

use super::Identity;
use crate::base::{Clock, SystemClock, closest};

/// The recipes of `certs/`.
const SOURCES: &[(&str, &str)] = &[
    ("ca-as-leaf", include_str!("../../certs/ca-as-leaf.yaml")),
    ("client", include_str!("../../certs/client.yaml")),
    ("client-expired", include_str!("../../certs/client-expired.yaml")),
    (
        "client-other-ca",
        include_str!("../../certs/client-other-ca.yaml"),
    ),
    ("client-second", include_str!("../../certs/client-second.yaml")),
    (
        "client-self-signed",
        include_str!("../../certs/client-self-signed.yaml"),
    ),
    (
        "common-name-only",
        include_str!("../../certs/common-name-only.yaml"),
    ),
    ("ed25519", include_str!("../../certs/ed25519.yaml")),
    ("expired", include_str!("../../certs/expired.yaml")),
    (
        "missing-intermediate",
        include_str!("../../certs/missing-intermediate.yaml"),
    ),
    ("not-yet-valid", include_str!("../../certs/not-yet-valid.yaml")),
    ("other-ca", include_str!("../../certs/other-ca.yaml")),
    ("p384", include_str!("../../certs/p384.yaml")),
    ("p521", include_str!("../../certs/p521.yaml")),
    ("rsa", include_str!("../../certs/rsa.yaml")),
    ("second-host", include_str!("../../certs/second-host.yaml")),
    ("self-signed", include_str!("../../certs/self-signed.yaml")),
    ("valid", include_str!("../../certs/valid.yaml")),
    (
        "with-intermediate",
        include_str!("../../certs/with-intermediate.yaml"),
    ),
    ("wrong-name", include_str!("../../certs/wrong-name.yaml")),
    ("wrong-purpose", include_str!("../../certs/wrong-purpose.yaml")),
];

/// How far from now a validity may start or end, in days.
const DAYS_LIMIT: i64 = 36_500;
/// Validity of authorities, in days from now.
const AUTHORITY_DAYS: (i64, i64) = (-365, 3650);

/// How to make one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recipe {
    /// The name of its file without `.yaml`.
    #[serde(skip)]
    pub name: String,
    /// What it is good or bad for, one line.
    pub title: String,
    /// Common name of the subject.
    #[serde(default = "default_common_name")]
    pub common_name: String,
    /// Subject alternative names: host names and addresses.
    #[serde(default = "default_names")]
    pub names: Vec<String>,
    /// Key algorithm.
    #[serde(default)]
    pub key: KeyKind,
    /// What it may be used for.
    #[serde(default)]
    pub purpose: Purpose,
    /// Who signs it.
    #[serde(default)]
    pub issuer: IssuerKind,
    /// Whether an intermediate authority stands between, and is shown.
    #[serde(default)]
    pub intermediate: Intermediate,
    /// Whether it is an authority certificate itself.
    #[serde(default)]
    pub authority: bool,
    /// Start of its validity, in days from now.
    #[serde(default = "default_from_days")]
    pub from_days: i64,
    /// End of its validity, in days from now.
    #[serde(default = "default_until_days")]
    pub until_days: i64,
}

fn default_common_name() -> String {
    "localhost".to_owned()
}

fn default_names() -> Vec<String> {
    ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
}

fn default_from_days() -> i64 {
    -1
}

fn default_until_days() -> i64 {
    365
}

/// Key algorithms of recipes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// NIST P-256.
    #[default]
    EcdsaP256,
    /// NIST P-384.
    EcdsaP384,
    /// NIST P-521.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
}

/// Extended key usage of recipes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// TLS clients.
    Client,
    /// TLS servers.
    #[default]
    Server,
}

/// Who signs a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuerKind {
    /// The harness authority.
    #[default]
    Authority,
    /// An authority that nobody is told to trust.
    OtherAuthority,
    /// The certificate itself.
    #[serde(rename = "self")]
    Itself,
}

/// Whether there is an intermediate authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intermediate {
    /// There is none.
    #[default]
    None,
    /// There is one, and it is not in the chain that is shown.
    Omitted,
    /// There is one, in the chain.
    Shown,
}

/// A certificate could not be made or found. The harness's or the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct CertificateError {
    /// What kind of trouble.
    pub kind: CertificateErrorKind,
    /// One lower-case sentence.
    pub reason: String,
}

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateErrorKind {
    /// The recipe cannot be read or contradicts itself.
    BadRecipe,
    /// A file could not be written or read.
    File,
    /// Signing failed.
    Making,
    /// There is no recipe of this name.
    UnknownRecipe,
}

impl CertificateError {
    fn new(kind: CertificateErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }
}

static RECIPES: LazyLock<Result<Vec<Recipe>, CertificateError>> = LazyLock::new(|| {
    SOURCES
        .iter()
        .map(|(name, source)| parse_recipe(name, source))
        .collect()
});

/// Every recipe, in alphabetical order.
///
/// # Errors
/// When one of them cannot be read; a mistake of the build, found by the tests.
pub fn recipes() -> Result<&'static [Recipe], CertificateError> {
    match &*RECIPES {
        Ok(recipes) => Ok(recipes),
        Err(error) => Err(error.clone()),
    }
}

/// The recipe called `name`.
///
/// # Errors
/// When there is none; the reason lists the known names.
pub fn recipe(name: &str) -> Result<&'static Recipe, CertificateError> {
    let recipes = recipes()?;
    recipes.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
        let known: Vec<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
        let guess = closest(name, known.iter().copied())
            .map_or_else(String::new, |guess| format!(", did you mean `{guess}`?"));
        CertificateError::new(
            CertificateErrorKind::UnknownRecipe,
            format!(
                "unknown certificate recipe `{name}`{guess} (known: {})",
                known.join(", ")
            ),
        )
    })
}

/// Reads a recipe; `name` is what it is called afterwards.
///
/// # Errors
/// When the text is not a recipe.
pub fn parse_recipe(name: &str, source: &str) -> Result<Recipe, CertificateError> {
    let mut recipe: Recipe = serde_yaml::from_str(source).map_err(|error| {
        CertificateError::new(
            CertificateErrorKind::BadRecipe,
            format!("certificate recipe `{name}`: {error}"),
        )
    })?;
    name.clone_into(&mut recipe.name);
    let possible = -DAYS_LIMIT..=DAYS_LIMIT;
    if recipe.from_days >= recipe.until_days
        || !possible.contains(&recipe.from_days)
        || !possible.contains(&recipe.until_days)
    {
        return Err(CertificateError::new(
            CertificateErrorKind::BadRecipe,
            format!(
                "certificate recipe `{name}`: `from-days` must lie before `until-days`, \
                 both within {DAYS_LIMIT} days from now"
            ),
        ));
    }
    Ok(recipe)
}

/// The harness authority, and the other one that nobody trusts; each with an intermediate.
#[derive(Debug)]
pub struct Authority {
    trusted: Signer,
    other: Signer,
}

/// A root and an intermediate under it.
struct Signer {
    root: Certified,
    intermediate: Certified,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(***)")
    }
}

/// An authority certificate that can sign.
struct Certified {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    /// When the crypto library refuses.
    pub fn new() -> Result<Self, CertificateError> {
        Ok(Self {
            trusted: Signer::new("ftpspec authority")?,
            other: Signer::new("ftpspec other authority")?,
        })
    }

    /// The root certificate to be trusted, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.trusted.root.pem
    }

    /// The root certificate of the authority that is not to be trusted, PEM.
    #[must_use]
    pub fn other_pem(&self) -> &str {
        &self.other.root.pem
    }
}

impl Signer {
    fn new(name: &str) -> Result<Self, CertificateError> {
        let root = Certified::new(name, None)?;
        let intermediate = Certified::new(&format!("{name}, intermediate"), Some(&root))?;
        Ok(Self { root, intermediate })
    }
}

impl Certified {
    fn new(name: &str, parent: Option<&Self>) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, AUTHORITY_DAYS.0, AUTHORITY_DAYS.1)?;
        let key = key_pair(KeyKind::EcdsaP256)?;
        let certificate = match parent {
            None => params.self_signed(&key),
            Some(parent) => {
                params.use_authority_key_identifier_extension = true;
                params.signed_by(&key, &parent.issuer())
            }
        };
        let pem = certificate.map_err(making)?.pem();
        Ok(Self { params, key, pem })
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }
}

/// Makes the certificate of `recipe`; the chain holds the leaf and the intermediate where one is shown, never the root.
///
/// # Errors
/// When the recipe has a name that no certificate can hold, or the crypto library refuses.
pub fn make(recipe: &Recipe, authority: &Authority) -> Result<Identity, CertificateError> {
    let mut params = CertificateParams::new(recipe.names.clone()).map_err(|error| {
        CertificateError::new(
            CertificateErrorKind::BadRecipe,
            format!("certificate recipe `{}`: bad name: {error}", recipe.name),
        )
    })?;
    params.distinguished_name = subject(&recipe.common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if recipe.key == KeyKind::Rsa2048 {
        // For peers that still exchange keys by RSA.
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages = vec![match recipe.purpose {
        Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
        Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    if recipe.authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    }
    set_validity(&mut params, recipe.from_days, recipe.until_days)?;
    let key = key_pair(recipe.key)?;
    let signer = match recipe.issuer {
        IssuerKind::Authority => Some(&authority.trusted),
        IssuerKind::OtherAuthority => Some(&authority.other),
        IssuerKind::Itself => None,
    };
    let mut chain = match signer {
        None => params.self_signed(&key).map_err(making)?.pem(),
        Some(signer) => {
            params.use_authority_key_identifier_extension = true;
            let parent = match recipe.intermediate {
                Intermediate::None => &signer.root,
                Intermediate::Omitted | Intermediate::Shown => &signer.intermediate,
            };
            params.signed_by(&key, &parent.issuer()).map_err(making)?.pem()
        }
    };
    if let (Some(signer), Intermediate::Shown) = (signer, recipe.intermediate) {
        chain.push_str(&signer.intermediate.pem);
    }
    Ok(Identity {
        chain_pem: chain.into(),
        key_pem: key.serialize_pem().into(),
    })
}

/// Certificates of one authority, by the names of their recipes.
#[derive(Debug)]
pub struct CertificateSet {
    authority: Authority,
    identities: Vec<(String, Identity)>,
}

impl CertificateSet {
    /// Makes the certificates of these recipes under a new authority.
    ///
    /// # Errors
    /// As [`make`] and [`Authority::new`].
    pub fn make<'a>(recipes: impl IntoIterator<Item = &'a Recipe>) -> Result<Self, CertificateError> {
        let authority = Authority::new()?;
        let identities = recipes
            .into_iter()
            .map(|recipe| Ok((recipe.name.clone(), make(recipe, &authority)?)))
            .collect::<Result<_, CertificateError>>()?;
        Ok(Self {
            authority,
            identities,
        })
    }

    /// The authority that signed them.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The certificate of the recipe `name`, when it is in the set.
    #[must_use]
    pub fn identity(&self, name: &str) -> Option<&Identity> {
        self.identities
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, identity)| identity)
    }

    /// Writes `ca.pem`, `ca-other.pem`, and `<recipe>.pem` (chain) and `<recipe>.key` for each certificate into `dir`,
    /// which is made when missing. Keys can be read by the owner only.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_to(&self, dir: &Path) -> Result<(), CertificateError> {
        fs::create_dir_all(dir).map_err(|error| file_error(dir, &error))?;
        write(&dir.join("ca.pem"), self.authority.pem(), false)?;
        write(&dir.join("ca-other.pem"), self.authority.other_pem(), false)?;
        for (name, identity) in &self.identities {
            write(&dir.join(format!("{name}.pem")), &identity.chain_pem, false)?;
            write(&dir.join(format!("{name}.key")), &identity.key_pem, true)?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str, secret: bool) -> Result<(), CertificateError> {
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        if secret {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        io::Write::write_all(&mut options.open(path)?, text.as_bytes())
    };
    let _ = secret;
    write().map_err(|error| file_error(path, &error))
}

fn file_error(path: &Path, error: &io::Error) -> CertificateError {
    CertificateError::new(
        CertificateErrorKind::File,
        format!("cannot write `{}`: {error}", path.display()),
    )
}

fn subject(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn key_pair(kind: KeyKind) -> Result<KeyPair, CertificateError> {
    match kind {
        KeyKind::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyKind::EcdsaP384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        KeyKind::EcdsaP521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
        KeyKind::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        KeyKind::Rsa2048 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048),
    }
    .map_err(making)
}

fn set_validity(params: &mut CertificateParams, from: i64, until: i64) -> Result<(), CertificateError> {
    let bad = |_| {
        CertificateError::new(
            CertificateErrorKind::Making,
            "the clock of this machine cannot be used",
        )
    };
    let seconds = i64::try_from(SystemClock::new().wall().as_secs()).map_err(|_| {
        CertificateError::new(CertificateErrorKind::Making, "the clock of this machine is off")
    })?;
    let now = OffsetDateTime::from_unix_timestamp(seconds).map_err(bad)?;
    let day = |days: i64| {
        now.checked_add(Days::days(days)).ok_or_else(|| {
            CertificateError::new(
                CertificateErrorKind::BadRecipe,
                format!("{days} days from now is out of range"),
            )
        })
    };
    params.not_before = day(from)?;
    params.not_after = day(until)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn making(error: rcgen::Error) -> CertificateError {
    CertificateError::new(
        CertificateErrorKind::Making,
        format!("a certificate could not be made: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_made_and_written() {
        let recipes = recipes().unwrap();
        assert_eq!(recipes.len(), SOURCES.len());
        let set = CertificateSet::make(recipes).unwrap();
        let dir = tempfile::tempdir().unwrap();
        set.write_to(dir.path()).unwrap();
        set.write_to(dir.path()).unwrap();
        let mut files: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut wanted: Vec<String> = recipes
            .iter()
            .flat_map(|recipe| [format!("{}.key", recipe.name), format!("{}.pem", recipe.name)])
            .chain(["ca.pem".to_owned(), "ca-other.pem".to_owned()])
            .collect();
        wanted.sort();
        assert_eq!(files, wanted);
        let text = fs::read_to_string(dir.path().join("valid.pem")).unwrap();
        assert_eq!(text, &*set.identity("valid").unwrap().chain_pem);
        assert!(set.identity("nothing").is_none());
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let set = CertificateSet::make([recipe("valid").unwrap()]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        set.write_to(dir.path()).unwrap();
        let mode = fs::metadata(dir.path().join("valid.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn every_file_of_certs_is_part_of_the_program() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs");
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned()))
            .collect();
        names.sort();
        let known: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn an_unknown_recipe_is_answered_with_the_known_ones() {
        let error = recipe("expird").unwrap_err();
        assert_eq!(error.kind, CertificateErrorKind::UnknownRecipe);
        assert!(error.reason.contains("did you mean `expired`?"), "{error}");
        assert!(error.reason.contains("missing-intermediate"), "{error}");
        let error = recipe("qqqqqqqqqqqq").unwrap_err();
        assert!(!error.reason.contains("did you mean"), "{error}");
    }

    #[test]
    fn a_bad_recipe_says_what_is_wrong() {
        for (source, word) in [
            ("title: x\nkye: rsa-2048\n", "kye"),
            ("title: x\nkey: dsa\n", "dsa"),
            ("names: [a]\n", "title"),
            (
                "title: x\nfrom-days: 5\nuntil-days: 5\n",
                "`from-days` must lie before",
            ),
            ("title: x\nuntil-days: 9000000000000000000\n", "within 36500 days"),
        ] {
            let error = parse_recipe("mine", source).unwrap_err();
            assert_eq!(error.kind, CertificateErrorKind::BadRecipe);
            assert!(
                error.reason.contains("`mine`") && error.reason.contains(word),
                "{error}"
            );
        }
        let bad_name = parse_recipe("mine", "title: x\nnames: [\"ä\"]\n").unwrap();
        let error = make(&bad_name, &Authority::new().unwrap()).unwrap_err();
        assert_eq!(error.kind, CertificateErrorKind::BadRecipe);
    }
}
