//! `ftpspec diagnose`: what is wrong with a server, in plain words, and who can set what.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::args::{DiagnoseArgs, DiagnosisFormat};
use super::exit::{CliError, Exit};
use super::{corpus, external, interrupt, output, password, run, targets};
use crate::advice::{self, AdviceKnown, ClientPolicy, DiagnosedCase, Diagnosis, Given, Rules, Way};
use crate::base::{Clock, SystemClock};
use crate::diagnostic;
use crate::mock::Fault;
use crate::runner::{self, CaseRunner, Corpus, TargetChoice};
use crate::scenario::Scenario;
use crate::target::{EmbeddedPolicy, Provisioning, Running, TlsMode};

/// Version of the JSON form, raised when a reader of the old one would misread the new one.
const DIAGNOSIS_FORMAT: u32 = 1;
/// Cases at the same time when nothing is said: a server that is in trouble is not to be pressed.
const USUAL_JOBS: u16 = 3;

pub(super) async fn run(args: &DiagnoseArgs) -> Result<Exit, CliError> {
    let cancel = interrupt::token();
    let corpus = corpus::load(&args.corpus)?;
    let rules = load_rules(&corpus)?;
    let provisioner = targets::provisioner()?;
    let choice = choice(args, &cancel)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let runner = CaseRunner::new(&corpus.catalogue, provisioner, clock, targets::fresh_id());
    let running = match &choice {
        TargetChoice::Embedded => runner.provide_embedded(&EmbeddedPolicy::default()).await,
        TargetChoice::Profile(profile) if profile.provisioning == Provisioning::External => {
            runner.provisioner().locate(profile).await
        }
        TargetChoice::Profile(profile) => runner.provisioner().provide(profile).await,
    };
    let running = Arc::new(running.map_err(|error| CliError::inconclusive(error.detail))?);
    let given = Given {
        policies: args
            .policies
            .iter()
            .map(|word| policy(word))
            .collect::<Result<_, _>>()?,
        way: match running.profile.tls {
            TlsMode::Explicit => Way::Explicit,
            TlsMode::Implicit => Way::Implicit,
        },
    };
    let scenarios = scenarios_of(&corpus, &rules);
    let jobs = usize::from(args.jobs.unwrap_or(USUAL_JOBS));
    let ran = runner::run_for_diagnosis(&runner, &running, &scenarios, jobs, &cancel).await;
    let cases: Vec<DiagnosedCase> = ran
        .into_iter()
        .map(|(case, ran)| DiagnosedCase {
            case,
            judgement: ran.judgement,
            events: ran.events.into(),
        })
        .collect();
    let diagnosis = advice::diagnose(&rules, &cases, &given);
    show(args, &rules, &running, &given, &diagnosis)?;
    if let Some(running) = Arc::into_inner(running) {
        running.stop().await;
    }
    Ok(exit_of(&diagnosis))
}

fn show(
    args: &DiagnoseArgs,
    rules: &Rules,
    running: &Running,
    given: &Given,
    diagnosis: &Diagnosis,
) -> Result<(), CliError> {
    let text = match args.format {
        DiagnosisFormat::Terminal => {
            let name = format!("{} ({})", running.profile.name, running.address);
            advice::render(diagnosis, rules, &name, output::width())
        }
        DiagnosisFormat::Json => {
            let whole = JsonDiagnosis {
                ftpspec_diagnosis: DIAGNOSIS_FORMAT,
                target: &running.profile.name,
                address: running.address.to_string(),
                way: given.way,
                client_policies: &given.policies,
                diagnosis,
            };
            let json = serde_json::to_string_pretty(&whole);
            json.map_err(|error| CliError::internal(error.to_string()))? + "\n"
        }
    };
    output::print(&text)
}

/// The JSON Schema of `--format json`, indented, with a line end.
pub(super) fn schema() -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(&schemars::schema_for!(JsonDiagnosis<'_>));
    Ok(text.map_err(|error| CliError::internal(error.to_string()))? + "\n")
}

/// What `ftpspec diagnose --format json` prints.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "Diagnosis")]
struct JsonDiagnosis<'a> {
    /// Version of this format.
    ftpspec_diagnosis: u32,
    /// Name of the target.
    target: &'a str,
    /// Its address and port.
    address: String,
    /// How the client in question starts TLS.
    way: Way,
    /// What that client does or leaves out.
    client_policies: &'a [ClientPolicy],
    #[serde(flatten)]
    diagnosis: &'a Diagnosis,
}

/// 1 for a problem, 3 when nothing could be looked at, 0 otherwise; notes change nothing.
fn exit_of(diagnosis: &Diagnosis) -> Exit {
    if diagnosis.has_problem() || !diagnosis.unexplained.is_empty() {
        Exit::Failed
    } else if diagnosis.good == 0 || diagnosis.unreached.iter().any(|(case, _)| case == "login") {
        Exit::Inconclusive
    } else {
        Exit::Success
    }
}

fn choice(args: &DiagnoseArgs, cancel: &CancellationToken) -> Result<TargetChoice, CliError> {
    let mut choice = match (&args.url, &args.target) {
        (Some(url), _) => TargetChoice::Profile(Box::new(external::profile(url, &args.external)?)),
        (None, Some(name)) => targets::find(name)?,
        (None, None) => {
            return Err(CliError::usage(
                "name a server: `ftpspec diagnose ftps://USER:PASSWORD@HOST:PORT`, or --target NAME",
            ));
        }
    };
    run::check_files(&choice)?;
    password::fetch(&mut choice, cancel)?;
    Ok(choice)
}

fn policy(word: &str) -> Result<ClientPolicy, CliError> {
    ClientPolicy::by_name(word).ok_or_else(|| {
        let near = crate::base::closest(word, ClientPolicy::WORDS.iter().copied());
        let help = near.map_or_else(
            || format!(" (one of `{}`)", ClientPolicy::WORDS.join("`, `")),
            |near| format!("; did you mean `{near}`?"),
        );
        CliError::usage(format!("unknown client policy `{word}`{help}"))
    })
}

/// The rules of this program. A test rules out that they have problems.
pub(super) fn load_rules(corpus: &Corpus) -> Result<Rules, CliError> {
    let scenarios = corpus.scenarios.iter().chain(&corpus.diagnose);
    let scenarios: Vec<&str> = scenarios.map(|scenario| scenario.id.as_str()).collect();
    let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    let requirements: Vec<&str> = corpus.catalogue.iter().map(|entry| entry.id.as_str()).collect();
    let known = AdviceKnown {
        scenarios: &scenarios,
        faults: &faults,
        requirements: &requirements,
    };
    let (rules, problems) = advice::load(&advice::embedded_files(), &known);
    if problems.is_empty() {
        return Ok(rules);
    }
    Err(CliError::internal(diagnostic::render_load_errors(
        &problems,
        output::colour_of_complaints(),
    )))
}

/// The scenarios that the rules look at.
fn scenarios_of(corpus: &Corpus, rules: &Rules) -> Vec<Arc<Scenario>> {
    let wanted = rules.scenarios();
    let all = corpus.diagnose.iter().chain(&corpus.scenarios);
    all.filter(|scenario| wanted.contains(&scenario.id.as_str()))
        .cloned()
        .collect()
}
