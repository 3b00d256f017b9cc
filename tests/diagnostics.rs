//! What people read when a scenario cannot be loaded or a check is broken.
//!
//! Every `tests/golden/load/*.yaml` is a broken scenario; the text beside it is the message. `SNAPSHOTS=overwrite`
//! writes the texts again.

use std::fs;
use std::path::Path;

use ftpspec::diagnostic::render_load_errors;
use ftpspec::requirement::Catalogue;
use ftpspec::scenario::{Known, LoadErrorKind, load};

const FAULTS: &[&str] = &[
    "accepts-prot-without-pbsz",
    "acknowledges-truncated-upload",
    "refuses-pbsz-zero",
];

#[test]
fn every_kind_of_broken_scenario_has_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/load");
    let catalogue = Catalogue::embedded().unwrap();
    let known = Known {
        catalogue: &catalogue,
        faults: FAULTS,
        certificates: &["client", "client-expired"],
    };
    let mut codes = Vec::new();
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(files.len() >= 25, "only {} broken scenarios", files.len());
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (scenarios, errors) = load(vec![(format!("scenarios/broken/{name}.yaml"), text)], &known);
        assert!(!errors.is_empty(), "{name} is not broken");
        assert!(scenarios.is_empty(), "{name} was loaded although it is broken");
        codes.extend(errors.iter().map(|error| error.code()));
        let rendered = render_load_errors(&errors, false);
        snapbox::assert_data_eq!(
            rendered,
            snapbox::Data::read_from(&path.with_extension("txt"), None).raw()
        );
    }
    // Two kinds are about names of files, which these files cannot have.
    codes.extend(["scenario::bad-name", "scenario::duplicate-id"]);
    for code in LoadErrorKind::CODES {
        assert!(codes.contains(code), "no broken scenario for {code}");
    }
}
