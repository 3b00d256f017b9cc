//! Runs the steps of one case: lets the engine act, waits for what the checks look at, asks the judge whether to go on.
//!
//! Decides nothing about the target: every wait ends in an event, and the judge looks at events. Clean-up always runs, with
//! short deadlines, also when the run is stopped. The case as a whole has a deadline too; reaching it is an observation about
//! the target (every wait of ours has ended in time, and there was always another one), never a hang.

mod observe;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::observe::is_reply;
use super::vars::Variables;
use crate::base::{Span, Spanned};
use crate::client::{Engine, FinalReply, Seen, Settings, content_facts};
use crate::judge::Next;
use crate::plan::Case;
use crate::scenario::model::{
    AccountRef, Action, ActionPattern, ChannelRef, Check, CheckKind, DataPathChoice, Level, ProvideFile,
    Reach, ReadData, Step, TlsChoice,
};
use crate::trace::{
    ActionProblem, Channel, DataPath, Event, EventKind, Phase, Recorder, StepIndex, TlsVersion, Waited,
};

/// The longest wait in clean-up.
const CLEANUP_WAIT: Duration = Duration::from_secs(3);
/// The longest that clean-up as a whole may take.
const CLEANUP_LIMIT: Duration = Duration::from_secs(15);
/// The longest that clean-up may take once the run is stopped.
const STOPPED_CLEANUP_LIMIT: Duration = Duration::from_secs(5);
/// What one step may take at most, as a multiple of all deadlines together.
const STEP_FACTOR: u32 = 2;
/// What a case may take at least.
const CASE_FLOOR: Duration = Duration::from_secs(60);

/// What a case needs besides itself.
#[derive(Debug)]
pub struct CaseContext {
    /// Target, accounts, trust, deadlines. Versions, data path and content seed are set from the case.
    pub settings: Settings,
    /// The variables that every case has (`run.id`, `user`, `password`, `target.host`, …).
    pub variables: BTreeMap<String, String>,
    /// Where events go.
    pub recorder: Recorder,
    /// The waits that steps spell out are divided by this; 1 for every target whose time-outs are its own.
    pub hurry: u32,
    /// The longest that the case may take; worked out from the deadlines when none.
    pub deadline: Option<Duration>,
    /// The longest that a check may be waited for, whatever it says itself.
    pub longest_wait: Option<Duration>,
    /// Cancelled when the run is stopped: then the case goes on with its clean-up, and for a short time only.
    pub stop: CancellationToken,
}

/// What came of a case.
#[derive(Debug)]
pub struct Executed {
    /// Everything that was observed.
    pub events: Vec<Event>,
    /// The run was stopped before the steps were through: nothing is said about the target.
    pub stopped: bool,
}

/// How the steps of a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Through,
    OutOfTime,
    Stopped,
}

/// Runs `case`. `judge` says after each step whether to go on.
pub async fn execute(
    case: &Case,
    context: CaseContext,
    judge: &(dyn Fn(&[Event], StepIndex) -> Next + Sync),
) -> Executed {
    let CaseContext {
        mut settings,
        variables,
        recorder,
        hurry,
        deadline,
        longest_wait,
        stop,
    } = context;
    apply_axes(case, &mut settings);
    let deadline = deadline.unwrap_or_else(|| case_deadline(case, &settings));
    let seed = settings.content_seed;
    let mut runner = StepRunner {
        engine: Engine::new(settings, recorder.clone()),
        variables: Variables::default(),
        recorder: recorder.clone(),
        seed,
        hurry: hurry.max(1),
        current: None,
        longest_wait: longest_wait.unwrap_or(Duration::MAX),
        is_cleaning: false,
    };
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => End::Stopped,
        run = tokio::time::timeout(deadline, runner.run(case, variables, judge)) => {
            if run.is_ok() { End::Through } else { End::OutOfTime }
        }
    };
    runner.engine.limit_timeouts(Some(CLEANUP_WAIT));
    if end != End::Through {
        runner.break_off(end, deadline).await;
    }
    let limit = if end == End::Stopped {
        STOPPED_CLEANUP_LIMIT
    } else {
        CLEANUP_LIMIT
    };
    if tokio::time::timeout(limit, runner.clean_up(case)).await.is_err() {
        runner.finish_current();
    }
    runner.engine.finish().await;
    Executed {
        events: recorder.events(),
        stopped: end == End::Stopped,
    }
}

/// The axes `tls` and `data` choose how everything connects.
fn apply_axes(case: &Case, settings: &mut Settings) {
    match case.id.cell.get("tls") {
        Some("tls1.2") => settings.versions = vec![TlsVersion::Tls12],
        Some("tls1.3") => settings.versions = vec![TlsVersion::Tls13],
        _ => {}
    }
    match case.id.cell.get("data") {
        Some("passive") => settings.default_data_path = DataPathChoice::Fixed(DataPath::Passive),
        Some("extended-passive") => {
            settings.default_data_path = DataPathChoice::Fixed(DataPath::ExtendedPassive);
        }
        Some("active") => settings.default_data_path = DataPathChoice::Fixed(DataPath::Active),
        Some("extended-active") => {
            settings.default_data_path = DataPathChoice::Fixed(DataPath::ExtendedActive);
        }
        _ => {}
    }
    settings.content_seed = content_seed(&case.scenario.id);
}

/// FNV-1a of the scenario's id: the same content in every cell, run and version.
fn content_seed(scenario: &str) -> u64 {
    scenario.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Longer than any case takes that waits only as long as it is told to.
fn case_deadline(case: &Case, settings: &Settings) -> Duration {
    let times = settings.timeouts;
    let one = times.connect + times.greeting + times.reply + times.handshake + times.data + times.close;
    let steps = case.scenario.setup.iter().chain(&case.scenario.steps);
    let sum = steps
        .map(|step| one * STEP_FACTOR + said_waits(step))
        .sum::<Duration>();
    sum.max(CASE_FLOOR)
}

/// The waits that a step spells out.
fn said_waits(step: &Step) -> Duration {
    let action = match step.action.as_ref().map(|action| &action.value) {
        Some(Action::Wait(time)) => time.value,
        Some(Action::ReadData(ReadData::During(time))) => *time,
        _ => Duration::ZERO,
    };
    let checks = step.expect.iter().filter_map(|check| check.within.as_ref());
    action + checks.map(|within| within.value).sum::<Duration>()
}

/// The state of a case under way.
struct StepRunner {
    engine: Engine,
    variables: Variables,
    recorder: Recorder,
    seed: u64,
    hurry: u32,
    current: Option<StepIndex>,
    longest_wait: Duration,
    /// Clean-up has deadlines of its own.
    is_cleaning: bool,
}

/// What the waits of a step share.
struct StepOutcome {
    /// The reply that the step took.
    reply: Option<Seen>,
    /// Position in the trace where the step began.
    start: usize,
}

impl StepRunner {
    async fn run(
        &mut self,
        case: &Case,
        variables: BTreeMap<String, String>,
        judge: &(dyn Fn(&[Event], StepIndex) -> Next + Sync),
    ) {
        self.set_initial(case, variables);
        let scenario = &case.scenario;
        for (phase, steps) in [(Phase::Setup, &scenario.setup), (Phase::Steps, &scenario.steps)] {
            for (index, step) in steps.iter().enumerate() {
                let position = StepIndex { phase, index };
                self.run_step(step, position).await;
                if judge(&self.recorder.events(), position) == Next::Stop {
                    return;
                }
            }
        }
    }

    async fn clean_up(&mut self, case: &Case) {
        self.is_cleaning = true;
        for (index, step) in case.scenario.cleanup.iter().enumerate() {
            self.reconnect_for(step).await;
            self.run_step(
                step,
                StepIndex {
                    phase: Phase::Cleanup,
                    index,
                },
            )
            .await;
        }
    }

    /// A clean-up command on a session that the target has ended goes over a new connection.
    async fn reconnect_for(&mut self, step: &Step) {
        let session = &step.session.value;
        if !is_command(step) || self.engine.is_connected(session) {
            return;
        }
        let level = Spanned::new(Level::Authenticated, Span::default());
        let reach = Action::Reach(Reach {
            level,
            account: AccountRef::First,
            tls: TlsChoice::default(),
        });
        // Whether it worked shows in the step itself, and clean-up never changes a verdict.
        let _ = self.engine.act(session, &reach, FinalReply::Take).await;
    }

    /// Sets the variables every case has, the cell's, and the scenario's own, which may use those before.
    fn set_initial(&mut self, case: &Case, variables: BTreeMap<String, String>) {
        for (name, value) in variables {
            self.variables.set(&name, value, &self.recorder);
        }
        for (axis, value) in &case.id.cell.0 {
            self.set_filled(axis, value);
        }
        for (name, text) in &case.scenario.vars {
            self.set_filled(&name.value, &text.value);
        }
    }

    fn set_filled(&mut self, name: &str, text: &str) {
        match self.variables.fill(text) {
            Ok(value) => self.variables.set(name, value, &self.recorder),
            Err(error) => {
                let reason = format!("the variable `{name}` cannot be set: {error}");
                self.recorder.record_case(EventKind::HarnessFailed { reason });
            }
        }
    }

    /// The step under way stays unfinished, and what it was doing with its connections is over: clean-up begins on new
    /// ones.
    async fn break_off(&mut self, end: End, deadline: Duration) {
        self.current = None;
        self.recorder.record_case(match end {
            End::OutOfTime => EventKind::TimedOut {
                waited: Waited::Case,
                seconds: deadline.as_secs_f64(),
            },
            End::Stopped | End::Through => EventKind::Noted {
                name: "stopped".to_owned(),
                value: "the run was stopped".to_owned(),
            },
        });
        self.engine.finish().await;
    }

    fn finish_current(&mut self) {
        if let Some(step) = self.current.take() {
            self.recorder.record_case(EventKind::StepFinished { step });
        }
    }

    async fn run_step(&mut self, step: &Step, position: StepIndex) {
        let start = self.recorder.len();
        self.current = Some(position);
        self.recorder
            .record_case(EventKind::StepStarted { step: position });
        let mut outcome = StepOutcome { reply: None, start };
        let awaits_reply = self.act(step, &mut outcome).await;
        // A clean-up command is carried out before the connection may end, whether a check looks at its reply or not.
        if position.phase == Phase::Cleanup && is_command(step) && !awaits_reply {
            self.await_reply(step, &mut outcome).await;
        }
        self.observe(step, awaits_reply, &mut outcome).await;
        self.capture(step, &outcome);
        self.finish_current();
    }

    /// Does the action of `step`; whether its `reply` checks still need a reply.
    async fn act(&mut self, step: &Step, outcome: &mut StepOutcome) -> bool {
        let checks_reply = checks_reply(step);
        let Some(action) = &step.action else {
            return checks_reply;
        };
        let session = &step.session.value;
        let final_reply = if checks_reply {
            FinalReply::Leave
        } else {
            FinalReply::Take
        };
        let result = match self.variables.fill_action(&action.value) {
            Ok(filled) => {
                let filled = self.hurried(filled);
                let limit = action_limit(step).map(|limit| limit / self.hurry);
                if limit.is_some() && !self.is_cleaning {
                    self.engine.limit_timeouts(limit);
                }
                let result = self.engine.act(session, &filled, final_reply).await;
                if limit.is_some() && !self.is_cleaning {
                    self.engine.limit_timeouts(None);
                }
                if let (Action::ProvideFile(provide), Ok(())) = (&filled, &result) {
                    self.set_file_variables(provide);
                }
                result
            }
            // Not the target's fault for certain: whatever kept the value away was judged where it happened.
            Err(error) => Err(ActionProblem::NotAllowed {
                detail: format!("the step needs a value: {error}"),
            }),
        };
        if let Err(problem) = &result {
            let channel = self.channel_of(&action.value, session);
            self.recorder
                .record(&channel, EventKind::ActionFailed(problem.clone()));
        }
        if checks_reply && self.took_reply(outcome.start, session) && !self.engine.owes_reply(session) {
            // The action took the reply that the check is about (`open-data`, `reach`).
            outcome.reply = self.engine.last_taken(session);
            return false;
        }
        checks_reply && may_be_answered(step, &result)
    }

    /// `action` with the wait that it spells out cut.
    fn hurried(&self, action: Action) -> Action {
        match action {
            Action::Wait(time) => Action::Wait(time.map(|time| time / self.hurry)),
            Action::ReadData(ReadData::During(time)) => Action::ReadData(ReadData::During(time / self.hurry)),
            other => other,
        }
    }

    /// Whether a reply was taken since position `start` of the trace.
    fn took_reply(&self, start: usize, session: &str) -> bool {
        let control = Channel::control(session);
        self.recorder.events_from(start).iter().any(|event| {
            event.channel.as_ref() == Some(&control) && matches!(event.kind, EventKind::ReplyConsumed { .. })
        })
    }

    /// The connection that a failed action is reported on.
    fn channel_of(&self, action: &Action, session: &str) -> Channel {
        let channel = action.channel().unwrap_or(ChannelRef::Control);
        self.engine.channel(session, channel)
    }

    fn set_file_variables(&mut self, provide: &ProvideFile) {
        let Ok(facts) = content_facts(&provide.content, self.seed) else {
            return;
        };
        let name = &provide.name.value;
        let values = [
            ("path", provide.path.value.clone()),
            ("bytes", facts.bytes.to_string()),
            ("sha256", facts.sha256),
        ];
        for (part, value) in values {
            self.variables
                .set(&format!("{name}.{part}"), value, &self.recorder);
        }
    }
}

/// Whether a reply can belong to the action: not when it was not done at all. A reply that came before the target closed
/// the connection is no answer to a command that could not be sent, where the check accepts closing.
fn may_be_answered(step: &Step, result: &Result<(), ActionProblem>) -> bool {
    match result {
        Err(ActionProblem::NotAllowed { .. }) => false,
        Err(ActionProblem::Closed { .. }) if is_command(step) => {
            let kinds = step.expect.iter().flat_map(|check| &check.kinds);
            !kinds.into_iter().any(|kind| match kind {
                CheckKind::Reply(pattern) => pattern.any_of.iter().any(|one| one.closed),
                _ => false,
            })
        }
        _ => true,
    }
}

/// How long the waits of the action itself may take: as long as the checks say that look at what it does. `action: any` looks
/// at nothing, and a check that says nothing leaves the profile's deadlines in force.
fn action_limit(step: &Step) -> Option<Duration> {
    let is_about_action = |check: &&Check| {
        check.kinds.iter().any(|kind| match kind {
            CheckKind::Tls(_) | CheckKind::Data(_) => true,
            CheckKind::Action(pattern) => *pattern != ActionPattern::Any,
            _ => false,
        })
    };
    let within = step.expect.iter().filter(is_about_action);
    let all: Option<Vec<Duration>> = within
        .map(|check| check.within.as_ref().map(|within| within.value))
        .collect();
    all?.into_iter().max()
}

fn is_command(step: &Step) -> bool {
    matches!(
        step.action.as_ref().map(|action| &action.value),
        Some(Action::Send(_))
    )
}

fn checks_reply(step: &Step) -> bool {
    step.expect.iter().any(|check| check.kinds.iter().any(is_reply))
}
