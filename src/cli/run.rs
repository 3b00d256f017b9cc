//! `ftpspec run`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::{CaptureArg, OutputFormat, RunArgs, Via};
use super::baseline::{self, Baselines};
use super::corpus;
use super::durations;
use super::exit::{CliError, Exit};
use super::material::Material;
use super::progress::Bar;
use super::{external, findings, interrupt, output, password, targets};
use crate::base::{Clock, SystemClock};
use crate::plan::{CellFilter, Filter, Shard, check_cell_filters, select};
use crate::report::baseline::{Comparison, render_comparison};
use crate::report::{self, Format};
use crate::runner::outcome::RunOutcome;
use crate::runner::{
    self, CaptureChoice, CaptureSettings, CaseRunner, Corpus, Finished, Progress, ReportFolder, RunRequest,
    TargetChoice,
};
use crate::scenario::Scenario;
use crate::target::{Profile, TrustChoice};
use crate::tls::{ClientContext, ClientTrust};

/// Cases at the same time when nothing is said: most of a case is waiting.
const USUAL_JOBS: u16 = 8;

/// Targets at the same time for each processor, when nothing is said.
const TARGETS_PER_PROCESSOR: usize = 2;

pub(super) async fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let cancel = interrupt::token();
    let corpus = corpus::load(&args.corpus)?;
    let provisioner = targets::provisioner()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let id = targets::fresh_id();
    let mut request = lower(args, &corpus, &provisioner, &id.to_string(), &*clock).await?;
    for choice in &mut request.targets {
        password::fetch(choice, &cancel)?;
    }
    let mut baselines = baselines(args, &corpus, &mut request)?;
    let runner = CaseRunner::new(&corpus.catalogue, provisioner, clock, id).capturing(capture_settings(args));
    let folder = if args.no_reports {
        None
    } else {
        let folder = ReportFolder::create(&args.reports, &request.id);
        Some(folder.map_err(|error| CliError::internal(error.to_string()))?)
    };
    let finished = execute(args, &runner, &request, folder.as_ref(), &cancel).await;
    let outcome = &finished.outcome;
    let comparison = baselines
        .as_ref()
        .map(|baselines| baselines.compare(outcome, &request.today));
    let exit = finish(args, &corpus, &finished, folder.as_ref(), comparison.as_ref())?;
    match &mut baselines {
        Some(baselines) if args.update_baseline => {
            update_baseline(baselines, outcome, &request, &corpus)?;
            // What is written down is accepted; what is wrong with the run itself is not.
            Ok(if exit == Exit::Failed { Exit::Success } else { exit })
        }
        _ => Ok(exit),
    }
}

/// The baselines that were asked for; the request gets to know what they accept.
fn baselines(
    args: &RunArgs,
    corpus: &Corpus,
    request: &mut RunRequest,
) -> Result<Option<Baselines>, CliError> {
    let Some(path) = &args.baseline else {
        return Ok(None);
    };
    let baselines = Baselines::open(path, args.update_baseline)?;
    if args.update_baseline {
        baseline::check_update(request)?;
    } else {
        baselines.check(corpus, request.targets.iter().map(TargetChoice::name))?;
    }
    request.accepted = baselines.accepted();
    Ok(Some(baselines))
}

fn update_baseline(
    baselines: &mut Baselines,
    outcome: &RunOutcome,
    request: &RunRequest,
    corpus: &Corpus,
) -> Result<(), CliError> {
    if outcome.run.interrupted || outcome.counts().error > 0 {
        return Err(CliError::inconclusive(
            "no baseline is written: the run was interrupted or had trouble of its own",
        ));
    }
    let written = baselines.update(outcome, request, corpus)?;
    let mut text = String::new();
    for file in &written {
        let _ = writeln!(text, "written  {}", file.display());
    }
    if written.is_empty() {
        text.push_str("the baseline says that already\n");
    }
    output::print(&text)
}

fn capture_settings(args: &RunArgs) -> CaptureSettings {
    let which = match args.capture {
        // Without a folder there is no place for one.
        _ if args.no_reports => CaptureChoice::None,
        CaptureArg::All => CaptureChoice::All,
        CaptureArg::Findings => CaptureChoice::Findings,
        CaptureArg::None => CaptureChoice::None,
    };
    CaptureSettings {
        which,
        with_passwords: args.capture_secrets,
    }
}

async fn execute(
    args: &RunArgs,
    runner: &CaseRunner,
    request: &RunRequest,
    folder: Option<&ReportFolder>,
    cancel: &CancellationToken,
) -> Finished {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Progress>();
    let mut bar = Bar::new(args.quiet || args.format != OutputFormat::Terminal);
    let shown = tokio::spawn(async move {
        while let Some(progress) = receiver.recv().await {
            bar.show(&progress);
        }
        bar.finish();
    });
    let finished = runner::run(runner, request, folder, &sender, cancel).await;
    drop(sender);
    // The bar ends with its sender; a bar that panicked must not hide the outcome.
    let _ = shown.await;
    finished
}

/// What was typed, as a request.
async fn lower(
    args: &RunArgs,
    corpus: &Corpus,
    provisioner: &crate::target::Provisioner,
    id: &str,
    clock: &dyn Clock,
) -> Result<RunRequest, CliError> {
    let (urls, filters): (Vec<&String>, Vec<&String>) =
        args.what.iter().partition(|text| external::is_url(text));
    let (properties, scenarios): (Vec<_>, Vec<_>) = selected(corpus, &filters)?
        .into_iter()
        .partition(|scenario| scenario.is_property());
    let shard = args.shard.as_deref().map(str::parse::<Shard>).transpose();
    let today = runner::today(clock);
    let cells = args
        .matrix
        .iter()
        .map(|text| {
            text.parse::<CellFilter>()
                .map_err(|error| CliError::usage(error.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let all: Vec<Arc<Scenario>> = scenarios.iter().chain(&properties).cloned().collect();
    check_cell_filters(&cells, &all).map_err(|errors| CliError::nothing(lines(&errors)))?;
    let request = RunRequest {
        scenarios,
        discover: corpus.discover.clone(),
        properties,
        targets: chosen_targets(args, &urls, provisioner).await?,
        cells,
        shard: shard.map_err(|error| CliError::usage(error.to_string()))?,
        durations: durations::load(args.durations.as_deref())?,
        jobs: usize::from(args.jobs.unwrap_or(USUAL_JOBS)),
        targets_at_once: targets_at_once(args),
        accepted: BTreeMap::new(),
        options: options(args, &filters),
        fail_fast: args.fail_fast,
        repeat: args.repeat,
        slow: args.slow,
        corpus: corpus.digest.clone(),
        id: id.to_owned(),
        today,
    };
    // A part may be empty when there are more parts than cases; its report is needed to join them all the same.
    let is_empty = match request.shard {
        Some(_) => runner::plan_cases(&RunRequest {
            shard: None,
            ..request.clone()
        })
        .is_empty(),
        None => runner::plan_cases(&request).is_empty(),
    };
    if is_empty && request.properties.is_empty() {
        return Err(CliError::nothing(
            "no case is left: the filters and the matrix exclude everything",
        ));
    }
    Ok(request)
}

/// What decides which cases there are and how they go, as reports say it; not the targets, which they name anyway.
fn options(args: &RunArgs, filters: &[&String]) -> Vec<String> {
    let mut options: Vec<String> = filters.iter().map(|filter| format!("filter {filter}")).collect();
    options.extend(args.matrix.iter().map(|cell| format!("matrix {cell}")));
    if args.repeat > 1 {
        options.push(format!("repeat {}", args.repeat));
    }
    if args.slow {
        options.push("slow".to_owned());
    }
    options.sort();
    options.dedup();
    options
}

/// Servers at the same time: a few per processor, since they mostly wait, too.
fn targets_at_once(args: &RunArgs) -> usize {
    args.parallel_targets.map_or_else(
        || TARGETS_PER_PROCESSOR * std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    )
}

/// The scenarios that `filters` name, those that tell properties included; all of them without filters.
pub(super) fn selected(corpus: &Corpus, filters: &[&String]) -> Result<Vec<Arc<Scenario>>, CliError> {
    let filters: Vec<Filter> = filters
        .iter()
        .map(|text| filter(text))
        .collect::<Result<_, _>>()?;
    let all: Vec<Arc<Scenario>> = corpus
        .scenarios
        .iter()
        .chain(&corpus.properties)
        .cloned()
        .collect();
    select(&all, &filters)
        .map_err(|errors| CliError::nothing(format!("{} (see `ftpspec list`)", lines(&errors))))
}

/// One filter, as typed.
pub(super) fn filter(text: &str) -> Result<Filter, CliError> {
    // It is not shown: there may be a password in it.
    if text.contains('@') {
        return Err(CliError::usage(
            "a filter has no `@`; a URL begins with `ftps://` (that argument is not shown, it may hold a password)",
        ));
    }
    text.parse()
        .map_err(|error: crate::plan::SelectError| CliError::usage(error.to_string()))
}

/// One line each.
fn lines<T: ToString>(errors: &[T]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n       ")
}

async fn chosen_targets(
    args: &RunArgs,
    urls: &[&String],
    provisioner: &crate::target::Provisioner,
) -> Result<Vec<TargetChoice>, CliError> {
    let mut choices = Vec::new();
    for url in urls {
        choices.push(TargetChoice::Profile(Box::new(external::profile(
            url,
            &args.external,
        )?)));
    }
    let mut broken = Vec::new();
    for name in &args.targets {
        match targets::find(name) {
            Ok(choice) => choices.push(choice),
            // A file that is there and cannot be read is one target less; a name that is not is a slip of the pen.
            Err(error) if targets::is_file(name) => broken.push((name, error)),
            Err(error) => return Err(error),
        }
    }
    if args.all_targets {
        choices.push(TargetChoice::Embedded);
        for profile in targets::bundled()? {
            let in_docker = args.via == Some(Via::Docker);
            if in_docker || targets::installed(provisioner, &profile).await.is_ok() {
                choices.push(TargetChoice::Profile(Box::new(profile)));
            }
        }
    }
    if let Some((_, error)) = broken
        .first()
        .filter(|_| choices.is_empty() || args.baseline.is_some())
    {
        return Err(error.clone());
    }
    if choices.is_empty() {
        choices.push(TargetChoice::Embedded);
    }
    let mut names = BTreeSet::new();
    choices.retain(|choice| names.insert(choice.name().to_owned()));
    if let Some(via) = args.via {
        for choice in &mut choices {
            targets::start_via(choice, via)?;
        }
    }
    if !args.networks.is_empty() {
        choices = targets::behind(&choices, &args.networks)?;
    }
    choices.extend(broken.into_iter().map(|(name, error)| {
        let profile = Profile::unusable(&external::safe_name(name), error.text);
        TargetChoice::Profile(Box::new(profile))
    }));
    choices.iter().try_for_each(check_files)?;
    Ok(choices)
}

/// Writes the reports, prints, and gives the exit code.
fn finish(
    args: &RunArgs,
    corpus: &Corpus,
    finished: &Finished,
    folder: Option<&ReportFolder>,
    comparison: Option<&Comparison>,
) -> Result<Exit, CliError> {
    let outcome = &finished.outcome;
    // What was found out is shown even where it cannot be written down.
    let material = Material {
        changes: comparison.cloned(),
        ..Material::of(corpus, outcome)
    };
    let written = folder.map_or(Ok(()), |folder| write_reports(&material, outcome, folder));
    let text = standard_output(args, corpus, &material, finished, folder, written.is_ok())?;
    output::print(&text)?;
    if let (Some(comparison), Some(path)) = (comparison, &args.baseline) {
        let against = path.display().to_string();
        let text = render_comparison(comparison, &against, output::width(), output::colour());
        match args.format {
            OutputFormat::Terminal => output::print(&format!("\n{text}"))?,
            // Standard output is the report.
            OutputFormat::Github | OutputFormat::Json | OutputFormat::Tap => output::complain(&text),
        }
    }
    if let Some(error) = &finished.unwritten {
        let (ran, planned) = (outcome.cases.len(), outcome.run.planned);
        return Err(CliError::internal(format!(
            "{error}; the run was stopped after {ran} of {planned} cases, and what was written before stays readable"
        )));
    }
    written?;
    Ok(comparison.map_or_else(
        || Exit::of(outcome, args.strict),
        |comparison| baseline::exit_of(outcome, comparison),
    ))
}

/// Writes every format into `folder` and makes it the latest run.
pub(super) fn write_reports(
    material: &Material,
    outcome: &RunOutcome,
    folder: &ReportFolder,
) -> Result<(), CliError> {
    let internal = |error: String| CliError::internal(error);
    let traces = |place: &str| runner::read_case(folder.path(), place).ok();
    for (file, text) in material.files()? {
        folder
            .write(file, text.as_bytes())
            .map_err(|error| internal(error.to_string()))?;
    }
    for file in report::files(&material.input(outcome, &traces)) {
        let file = file.map_err(|error| internal(error.to_string()))?;
        folder
            .write(&file.path, file.text.as_bytes())
            .map_err(|error| internal(error.to_string()))?;
    }
    folder.publish().map_err(|error| internal(error.to_string()))
}

/// What stands on standard output.
fn standard_output(
    args: &RunArgs,
    corpus: &Corpus,
    material: &Material,
    finished: &Finished,
    folder: Option<&ReportFolder>,
    is_written: bool,
) -> Result<String, CliError> {
    let outcome = &finished.outcome;
    let traces = |place: &str| folder.and_then(|folder| runner::read_case(folder.path(), place).ok());
    let input = material.input(outcome, &traces);
    let rendered =
        |format| report::render(format, &input).map_err(|error| CliError::internal(error.to_string()));
    Ok(match args.format {
        OutputFormat::Json => rendered(Format::Json)?,
        OutputFormat::Tap => rendered(Format::Tap)?,
        OutputFormat::Github => {
            let mut text = rendered(Format::Github)?;
            let (width, colour) = (output::width(), output::colour());
            text.push_str(&report::terminal::render_summary(outcome, width, colour));
            text
        }
        OutputFormat::Terminal => terminal_text(args, corpus, finished, folder, is_written),
    })
}

/// Findings, summary, and where the reports are.
fn terminal_text(
    args: &RunArgs,
    corpus: &Corpus,
    finished: &Finished,
    folder: Option<&ReportFolder>,
    is_written: bool,
) -> String {
    let latest = folder.map(ReportFolder::latest);
    let place = folder
        .zip(latest.as_deref())
        .map(|(folder, named)| findings::Place {
            traces: folder.path(),
            named,
        });
    let shown = findings::Shown {
        place,
        kept: &finished.traces,
        everything: false,
    };
    let mut text = if args.quiet {
        String::new()
    } else {
        findings::render(corpus, &finished.outcome, &shown)
    };
    if let Some(folder) = folder.filter(|_| args.verbose) {
        text.insert_str(0, &transcripts(&finished.outcome, folder));
    }
    text.push_str(&report::terminal::render_summary(
        &finished.outcome,
        output::width(),
        output::colour(),
    ));
    if let Some(folder) = folder.filter(|_| is_written) {
        let _ = writeln!(text, "reports  {}", folder.latest().display());
    }
    text
}

/// What went over the wire, case by case.
fn transcripts(outcome: &RunOutcome, folder: &ReportFolder) -> String {
    let mut text = String::new();
    for case in &outcome.cases {
        // A trace that cannot be read back was reported when it was written.
        let events = case
            .folder
            .as_deref()
            .and_then(|place| runner::read_case(folder.path(), place).ok());
        if let Some(events) = events {
            text.push_str(&report::terminal::render_transcript(
                case,
                &events,
                output::colour(),
            ));
            text.push('\n');
        }
    }
    text
}

/// A file of authorities or a client certificate that cannot be used is the fault of the command line or the profile, not of
/// the target.
pub(super) fn check_files(choice: &TargetChoice) -> Result<(), CliError> {
    let TargetChoice::Profile(profile) = choice else {
        return Ok(());
    };
    if let Some(files) = &profile.client_certificate {
        files.read().map_err(|reason| {
            CliError::usage(format!("the client certificate for {}: {reason}", profile.name))
        })?;
    }
    let TrustChoice::File(path) = &profile.trust else {
        return Ok(());
    };
    let cannot = |reason: String| {
        CliError::usage(format!(
            "cannot read the authorities for {} in {}: {reason}",
            profile.name,
            path.display()
        ))
    };
    let pem = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    let trust = ClientTrust::Authorities {
        pem: pem.into(),
        enforce: false,
    };
    ClientContext::new(&trust, None, None)
        .map(|_| ())
        .map_err(|error| cannot(error.reason))
}
