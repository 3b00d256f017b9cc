//! The shards of a run put together. Refuses what does not belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::baseline::is_present;
use super::text;
use crate::runner::outcome::{RunOutcome, TargetOutcome};

/// `shards`, each with its name, as the run in one piece that they are parts of; `id` is the id of that run.
///
/// # Errors
/// Every reason why they are not the parts of one run, one sentence each.
pub fn merge(shards: &[(String, &RunOutcome)], id: &str) -> Result<RunOutcome, Vec<String>> {
    let Some((first_name, first)) = shards.first() else {
        return Err(vec!["there is nothing to merge".into()]);
    };
    let mut problems = Vec::new();
    for (name, shard) in shards {
        same_run(&mut problems, (first_name, first), (name, shard));
    }
    if problems.is_empty() {
        complete(&mut problems, shards);
        duplicates(&mut problems, shards);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut merged = (*first).clone();
    id.clone_into(&mut merged.run.id);
    for (_, shard) in shards.iter().skip(1) {
        add(&mut merged, shard);
    }
    merged.run.shard = None;
    merged.run.unsharded = None;
    merged
        .cases
        .sort_by(|a, b| (&a.target, &a.scenario, &a.cell).cmp(&(&b.target, &b.scenario, &b.cell)));
    Ok(merged)
}

fn add(merged: &mut RunOutcome, shard: &RunOutcome) {
    merged.cases.extend(shard.cases.iter().cloned());
    merged.run.planned += shard.run.planned;
    merged.run.interrupted |= shard.run.interrupted;
    merged.run.seconds = merged.run.seconds.max(shard.run.seconds);
    if shard.run.started < merged.run.started {
        merged.run.started.clone_from(&shard.run.started);
    }
    for (name, target) in &mut merged.targets {
        let Some(other) = shard.targets.get(name) else {
            continue;
        };
        for contradiction in &other.contradictions {
            if !target.contradictions.contains(contradiction) {
                target.contradictions.push(contradiction.clone());
            }
        }
        target.contradictions.sort();
        target.unavailable = target.unavailable.take().or_else(|| other.unavailable.clone());
    }
}

/// Whether two shards come from runs of the same kind.
fn same_run(
    problems: &mut Vec<String>,
    (first_name, first): (&str, &RunOutcome),
    (name, shard): (&str, &RunOutcome),
) {
    let (name, first_name) = (text::plain(name), text::plain(first_name));
    if shard.run.shard.is_none() {
        problems.push(format!("{name} is no shard, but a run in one piece"));
        return;
    }
    let mut differs = |what: &str, one: &str, other: &str| {
        if one != other {
            let (one, other) = (text::plain(one), text::plain(other));
            problems.push(format!("{name} has {what} `{other}`, {first_name} has `{one}`"));
        }
    };
    let options = |run: &RunOutcome| run.run.options.join(", ");
    let number =
        |number: Option<usize>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    differs("version", &first.run.version, &shard.run.version);
    differs("scenarios of digest", &first.run.corpus, &shard.run.corpus);
    differs("the options", &options(first), &options(shard));
    differs(
        "the number of shards",
        parts(first).1.unwrap_or("none"),
        parts(shard).1.unwrap_or("none"),
    );
    differs(
        "the number of cases in all shards",
        &number(first.run.unsharded),
        &number(shard.run.unsharded),
    );
    let names = |run: &RunOutcome| run.targets.keys().cloned().collect::<Vec<_>>().join(", ");
    differs("the targets", &names(first), &names(shard));
    for (target, one) in &first.targets {
        let Some(other) = shard.targets.get(target) else {
            continue;
        };
        // A target that could not be used in one of them has no facts there.
        if one.unavailable.is_none() && other.unavailable.is_none() {
            let what = format!("the {target}");
            differs(&what, &facts(one), &facts(other));
        }
    }
}

/// What must be the same of a target in every shard; its address is not.
fn facts(target: &TargetOutcome) -> String {
    let mut words = vec![
        target.version.clone().unwrap_or_default(),
        target.provision.clone(),
    ];
    if target.insecure {
        words.push("insecure".into());
    }
    let capabilities = target.capabilities.iter();
    words.extend(
        capabilities
            .filter(|(_, evidence)| is_present(evidence))
            .map(|(word, _)| word.clone()),
    );
    words.join(" ")
}

/// Index and count of a shard.
fn parts(run: &RunOutcome) -> (Option<&str>, Option<&str>) {
    match run.run.shard.as_deref().and_then(|shard| shard.split_once('/')) {
        Some((index, count)) => (Some(index), Some(count)),
        None => (None, None),
    }
}

/// Whether every shard is there, once, with all of its cases.
fn complete(problems: &mut Vec<String>, shards: &[(String, &RunOutcome)]) {
    let mut seen: BTreeMap<usize, &str> = BTreeMap::new();
    let mut count = 0;
    for (name, shard) in shards {
        let (index, all) = parts(shard);
        let (Some(index), Some(all)) = (
            index.and_then(|text| text.parse::<usize>().ok()),
            all.and_then(|text| text.parse::<usize>().ok()),
        ) else {
            problems.push(format!("{} has a shard that is none", text::plain(name)));
            continue;
        };
        count = all;
        if let Some(other) = seen.insert(index, name) {
            problems.push(format!(
                "shard {index}/{all} is there twice: {} and {}",
                text::plain(other),
                text::plain(name)
            ));
        }
    }
    let missing: Vec<String> = (1..=count.min(10_000))
        .filter(|index| !seen.contains_key(index))
        .map(|index| format!("{index}/{count}"))
        .collect();
    if !missing.is_empty() {
        problems.push(format!("missing: shard {}", missing.join(", ")));
    }
    let planned: usize = shards.iter().map(|(_, shard)| shard.run.planned).sum();
    let all = shards.first().and_then(|(_, shard)| shard.run.unsharded);
    if problems.is_empty() && all.is_some_and(|all| all != planned) {
        problems.push(format!(
            "the shards have {planned} cases, the run in one piece has {}: they were split by different durations",
            all.unwrap_or_default()
        ));
    }
}

fn duplicates(problems: &mut Vec<String>, shards: &[(String, &RunOutcome)]) {
    let mut seen = BTreeMap::new();
    let mut told = BTreeSet::new();
    for (name, shard) in shards {
        for case in &shard.cases {
            let place = (&case.target, &case.scenario, &case.cell);
            if let Some(other) = seen.insert(place, name)
                && told.insert((other, name))
            {
                problems.push(format!(
                    "{} {} is in {} and in {}",
                    text::plain(&case.target),
                    text::case_name(case),
                    text::plain(other),
                    text::plain(name)
                ));
            }
        }
    }
}
