//! `ftpspec report merge`: the shards of a run as one run.

use std::fmt::Write as _;
use std::path::{Component, Path};

use crate::base::SystemClock;
use crate::cli::args::{CorpusArgs, MergeArgs};
use crate::cli::baseline::{self, Baselines};
use crate::cli::corpus;
use crate::cli::exit::{CliError, Exit};
use crate::cli::material::Material;
use crate::cli::output;
use crate::cli::run::write_reports;
use crate::cli::stored::StoredRun;
use crate::cli::targets;
use crate::report::baseline::render_comparison;
use crate::report::{merge, terminal};
use crate::runner::outcome::RunOutcome;
use crate::runner::{self, ReportFolder};

pub(super) fn run(args: &MergeArgs) -> Result<Exit, CliError> {
    let shards: Vec<StoredRun> = args
        .shards
        .iter()
        .map(|folder| StoredRun::open(folder))
        .collect::<Result<_, _>>()?;
    let named: Vec<(String, &RunOutcome)> = shards
        .iter()
        .map(|shard| (shard.folder.display().to_string(), &shard.outcome))
        .collect();
    let merged = merge::merge(&named, &targets::fresh_id().to_string())
        .map_err(|problems| CliError::usage(problems.join("\n       ")))?;
    let baselines = match &args.baseline {
        Some(path) => Some(baselines(path, &args.corpus, &merged)?),
        None => None,
    };
    let folder = ReportFolder::create(&args.reports, &merged.run.id)
        .map_err(|error| CliError::internal(error.to_string()))?;
    for shard in &shards {
        copy_cases(shard, &folder)?;
    }
    let mut materials = shards.iter().map(Material::stored);
    let Some(first) = materials.next() else {
        return Err(CliError::usage("no shard is named"));
    };
    let mut material = materials.try_fold(first?, |joined, next| next.map(|next| joined.join(next)))?;
    let comparison = baselines
        .as_ref()
        .map(|baselines| baselines.compare(&merged, &runner::today(&SystemClock::new())));
    material.changes.clone_from(&comparison);
    material.proofs = None;
    write_reports(&material, &merged, &folder)?;
    let (width, colour) = (output::width(), output::colour());
    let mut text = terminal::render_summary(&merged, width, colour);
    let _ = writeln!(text, "reports  {}", folder.latest().display());
    let exit = match (&comparison, &args.baseline) {
        (Some(comparison), Some(path)) => {
            let against = path.display().to_string();
            text.push('\n');
            text.push_str(&render_comparison(comparison, &against, width, colour));
            baseline::exit_of(&merged, comparison)
        }
        _ => Exit::of(&merged, args.strict),
    };
    output::print(&text)?;
    Ok(exit)
}

fn baselines(path: &Path, corpus: &CorpusArgs, merged: &RunOutcome) -> Result<Baselines, CliError> {
    let baselines = Baselines::open(path, false)?;
    let corpus = corpus::load(corpus)?;
    baselines.check(&corpus, merged.targets.keys().map(String::as_str))?;
    Ok(baselines)
}

/// Copies what stands beside the reports: the folder of every case.
fn copy_cases(shard: &StoredRun, into: &ReportFolder) -> Result<(), CliError> {
    for place in shard
        .outcome
        .cases
        .iter()
        .filter_map(|case| case.folder.as_deref())
    {
        let is_inside = Path::new(place)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_inside {
            return Err(CliError::usage(format!(
                "{}: the folder `{place}` of a case is not inside of the report folder",
                shard.folder.display()
            )));
        }
        let from = shard.folder.join(place);
        let cannot =
            |error: std::io::Error| CliError::usage(format!("cannot copy {}: {error}", from.display()));
        for entry in std::fs::read_dir(&from).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let Some(name) = path
                .file_name()
                .and_then(|name| name.to_str())
                .filter(|_| path.is_file())
            else {
                continue;
            };
            let bytes = std::fs::read(&path).map_err(cannot)?;
            into.write(&format!("{place}/{name}"), &bytes)
                .map_err(|error| CliError::internal(error.to_string()))?;
        }
    }
    Ok(())
}
