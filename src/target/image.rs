//! The image of a target: the folder it is built from, and the tag that names exactly that content.
//!
//! A changed configuration is another image, so nothing stale is ever run. Does not start containers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::docker_cli::{Call, LABEL};
use super::provision::{ProvisionError, ProvisionErrorKind};

/// The installer that the images use too.
const INSTALLER: &str = include_str!("../../.ci/install-targets.sh");

/// How long an image may take to build.
const PATIENCE: Duration = Duration::from_secs(900);

/// What an image is made from.
#[derive(Debug)]
pub(super) struct Recipe<'a> {
    /// Name of the software: the folder below `docker/`.
    pub(super) software: &'a str,
    /// The folder with its Dockerfile and serve script.
    pub(super) folder: &'a Path,
    /// `lib.sh`, which the serve scripts source.
    pub(super) library: &'a Path,
    /// A folder with what builds need from this machine (authorities, `pip.conf`, `apt.conf`, built programs).
    pub(super) extra: Option<&'a Path>,
}

/// Builds the image of `recipe` below `work` when it is not there yet, and returns its tag.
///
/// # Errors
/// When a file cannot be read, or the build fails.
pub(super) async fn provide(recipe: &Recipe<'_>, work: &Path) -> Result<String, ProvisionError> {
    let files = context(recipe)?;
    let tag = format!("ftpspec-{}:{}", recipe.software, digest(&files));
    if Call::new(["image", "inspect", "--format", "{{.Id}}", tag.as_str()])
        .run()
        .await
        .is_ok()
    {
        return Ok(tag);
    }
    let place = work.join(format!("image-{}", recipe.software));
    write(&files, &place).map_err(|error| local(format!("cannot write {}: {error}", place.display())))?;
    let dockerfile = place.join("docker").join(recipe.software).join("Dockerfile");
    let label = format!("{LABEL}=image");
    // What is installed comes from archives that may be reachable through this machine's own network alone.
    let built = Call::new(["build", "--network", "host", "--label"])
        .arg(label)
        .args(["--tag", tag.as_str(), "--file"])
        .arg(dockerfile.display().to_string())
        .arg(place.display().to_string())
        .within(PATIENCE)
        .run()
        .await;
    // Only what was written above; a failure leaves it to the folder of the run.
    let _ = std::fs::remove_dir_all(&place);
    built.map(|_| tag).map_err(|error| ProvisionError {
        detail: format!(
            "the image of {} could not be built: {}",
            recipe.software, error.detail
        ),
        ..error
    })
}

/// The files of the context: path to content.
fn context(recipe: &Recipe<'_>) -> Result<BTreeMap<PathBuf, Vec<u8>>, ProvisionError> {
    let mut files = BTreeMap::new();
    files.insert(
        PathBuf::from(".ci/install-targets.sh"),
        INSTALLER.as_bytes().to_vec(),
    );
    read_into(recipe.library, Path::new("docker/lib.sh"), &mut files)?;
    read_into(
        recipe.folder,
        &Path::new("docker").join(recipe.software),
        &mut files,
    )?;
    if let Some(extra) = recipe.extra {
        read_into(extra, Path::new(".ci/context"), &mut files)?;
    }
    let dockerfile = Path::new("docker").join(recipe.software).join("Dockerfile");
    if files.contains_key(&dockerfile) {
        Ok(files)
    } else {
        Err(ProvisionError {
            kind: ProvisionErrorKind::NotInstalled,
            detail: format!(
                "{} has no Dockerfile; run it with --via process",
                recipe.folder.display()
            ),
        })
    }
}

/// Reads a file, or everything below a folder, as `name`.
fn read_into(from: &Path, name: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<(), ProvisionError> {
    let cannot = |error: std::io::Error| local(format!("cannot read {}: {error}", from.display()));
    if from.is_dir() {
        for entry in std::fs::read_dir(from).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            read_into(&entry.path(), &name.join(entry.file_name()), files)?;
        }
    } else {
        files.insert(name.to_owned(), std::fs::read(from).map_err(cannot)?);
    }
    Ok(())
}

/// The first half of a hash over names and contents.
fn digest(files: &BTreeMap<PathBuf, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    for (name, content) in files {
        hash.update(name.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Writes the context; scripts and programs become executable, as they are in the repository.
fn write(files: &BTreeMap<PathBuf, Vec<u8>>, place: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for (name, content) in files {
        let path = place.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)?;
        let runs = content.starts_with(b"#!") || content.starts_with(b"\x7fELF");
        std::fs::set_permissions(
            &path,
            std::fs::Permissions::from_mode(if runs { 0o755 } else { 0o644 }),
        )?;
    }
    Ok(())
}

fn local(detail: String) -> ProvisionError {
    ProvisionError {
        kind: ProvisionErrorKind::Local,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme(folder: &Path) -> PathBuf {
        let acme = folder.join("acme");
        std::fs::create_dir_all(&acme).unwrap();
        std::fs::write(acme.join("Dockerfile"), "FROM debian:bookworm-slim\n").unwrap();
        std::fs::write(acme.join("acme.conf"), "reuse=yes\n").unwrap();
        std::fs::write(folder.join("lib.sh"), "# shared\n").unwrap();
        acme
    }

    fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, ProvisionError> {
        context(&Recipe {
            software: "acme",
            folder: &folder.join("acme"),
            library: &folder.join("lib.sh"),
            extra: None,
        })
    }

    #[test]
    fn a_changed_configuration_is_another_image() {
        let folder = tempfile::TempDir::new().unwrap();
        let acme = acme(folder.path());
        let before = digest(&files(folder.path()).unwrap());
        assert_eq!(digest(&files(folder.path()).unwrap()), before);
        std::fs::write(acme.join("acme.conf"), "reuse=no\n").unwrap();
        assert_ne!(digest(&files(folder.path()).unwrap()), before);
    }

    #[test]
    fn a_folder_without_a_dockerfile_is_refused_with_the_next_step() {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::remove_file(acme(folder.path()).join("Dockerfile")).unwrap();
        let error = files(folder.path()).unwrap_err();
        assert_eq!(error.kind, ProvisionErrorKind::NotInstalled);
        assert!(error.detail.contains("--via process"), "{error}");
    }

    #[test]
    fn scripts_stay_executable() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::TempDir::new().unwrap();
        acme(folder.path());
        let place = folder.path().join("context");
        write(&files(folder.path()).unwrap(), &place).unwrap();
        let mode = |name: &str| std::fs::metadata(place.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(".ci/install-targets.sh"), 0o755);
        assert_eq!(mode("docker/acme/acme.conf"), 0o644);
    }
}
