//! Rule files: the built-in ones are good, and mistakes are told with their place.

use super::*;
use crate::base::Source;
use crate::scenario::LoadError;

const GOOD: &str = "\
title: something is the matter
weight: problem
when:
  - { case: diagnose/listing, is: broken }
means: What it means.
who: [server]
fires-on: { faults: [omits-150] }
";
const SOFTWARE: &str =
    "server: { acme: { title: Acme, says: [acme-ftpd] } }\nclient: { curl: { title: curl } }\n";

fn loaded(text: &str) -> (Rules, Vec<LoadError>) {
    let files = [
        ("scenarios/advice/software.yaml".to_owned(), SOFTWARE.to_owned()),
        ("scenarios/advice/rule.yaml".to_owned(), text.to_owned()),
    ];
    let known = AdviceKnown {
        scenarios: &["diagnose/listing"],
        faults: &["omits-150"],
        requirements: &["rfc959.s4.1.3.list"],
    };
    load(&files, &known)
}

#[test]
fn a_rule_is_read() {
    let (rules, problems) = loaded(GOOD);
    assert_eq!(problems, []);
    let [rule] = rules.rules.as_slice() else {
        panic!("{rules:?}");
    };
    assert_eq!(rule.id, "rule");
    assert_eq!(rule.fires_on.faults, ["omits-150"]);
    assert_eq!(rule.silent_on, Proof::default());
    assert_eq!(rules.scenarios(), ["diagnose/listing"]);
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_was_meant() {
    let table = [
        (
            "weight: problem",
            "weight: problems",
            "2:9: unknown weight `problems`",
            "did you mean `problem`?",
        ),
        (
            "diagnose/listing",
            "diagnose/listings",
            "4:13: unknown scenario `diagnose/listings`",
            "did you mean `diagnose/listing`?",
        ),
        (
            "is: broken",
            "is: bad",
            "4:35: unknown outcome `bad`",
            "known here: broken, good, unreached",
        ),
        (
            "is: broken",
            "requirment: x, is: broken",
            "4:31: unknown key `requirment` in a condition",
            "did you mean `requirement`?",
        ),
        (
            "who: [server]",
            "who: server",
            "6:6: expected a list, got a text",
            "",
        ),
        ("who: [server]", "", "1:1: missing key `who` in this mapping", ""),
        (
            "faults: [omits-150]",
            "faults: [omits-15]",
            "unknown fault `omits-15`",
            "did you mean `omits-150`?",
        ),
        (
            "means:",
            "server: { acmee: x }\nmeans:",
            "unknown server `acmee`",
            "did you mean `acme`?",
        ),
        (
            "{ case: diagnose/listing, is: broken }",
            "{ policy: no-reuse, is: good }",
            "`is` does not go with `policy`",
            "",
        ),
        ("is: broken }", "event: reply, code: [9zz] }", "got `9zz`", ""),
    ];
    for (from, to, message, help) in table {
        let (rules, problems) = loaded(&GOOD.replacen(from, to, 1));
        assert!(rules.rules.is_empty(), "{to}");
        let said = problems
            .iter()
            .find(|problem| problem.to_string().contains(message));
        let said = said.unwrap_or_else(|| panic!("{message:?} in {problems:#?}"));
        assert_eq!(said.help.as_deref().unwrap_or(""), help, "{to}");
    }
}

#[test]
fn names_of_files_are_those_of_rules() {
    assert!(is_advice("scenarios/advice/software.yaml"));
    assert!(!is_advice("scenarios/auth/auth-tls.yaml"));
    let files = embedded_files();
    assert!(files.iter().all(|(path, _)| is_advice(path)));
    assert!(
        files
            .iter()
            .all(|(path, text)| !Source::new(path.as_str(), text.as_str()).text().is_empty())
    );
}
