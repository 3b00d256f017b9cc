//! What to do next about a target that says little: one sentence per usual trouble, told once and not per case.

use crate::judge::Verdict;
use crate::runner::outcome::CaseOutcome;
use crate::target::{Profile, Provisioning, TrustChoice};

/// The next steps for `profile`, whose cases went like this. Nothing when all is well.
pub(super) fn next_steps(profile: &Profile, cases: &[CaseOutcome]) -> Vec<String> {
    let reasons: Vec<&str> = cases
        .iter()
        .filter(|case| case.judgement.verdict == Verdict::Inconclusive)
        .filter_map(|case| case.judgement.reason.as_deref())
        .collect();
    let any = |words: &[&str]| {
        reasons
            .iter()
            .any(|reason| words.iter().any(|word| reason.contains(word)))
    };
    let mut steps = Vec::new();
    if profile.provisioning == Provisioning::External
        && any(&[
            "where 2yz to PASS was hoped for",
            "where 2yz to USER was hoped for",
        ])
    {
        steps.push(
            "logins were refused; check user and password (the URL, FTPSPEC_PASSWORD, --password-file, or `accounts` of a \
             target.yaml)"
                .to_owned(),
        );
    }
    let unknown_authority = cases.iter().any(|case| {
        let reason = case.judgement.reason.as_deref().unwrap_or_default();
        case.judgement.verdict == Verdict::NotApplicable && reason.starts_with("requires `known-authority`")
    });
    if unknown_authority && profile.trust == TrustChoice::System {
        steps.push(
            "its certificate is of an authority that this machine does not know; name the authority (--ca FILE, or \
             `trust: file:FILE` of a target.yaml), or leave it out (--insecure)"
                .to_owned(),
        );
    }
    if any(&[
        "421 where",
        "got 421",
        "421 to",
        "without a greeting",
        "connection was refused",
    ]) {
        steps.push(format!(
            "connections were refused; when the server limits them, allow fewer at a time (--max-connections, or \
             `limits: {{ max-connections }}` of a target.yaml; {} now)",
            profile.limits.max_connections
        ));
    }
    steps
}
