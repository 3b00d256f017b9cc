//! Runs one case against a running target and asks the judge: the meeting point of the pure and the I/O column.
//!
//! `run`, `prove` and `cargo_test` all go through here, so a verdict never depends on who asked for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::capture::{CaptureChoice, CaptureSettings, CaseCapture};
use super::execute::{CaseContext, Executed, execute};
use crate::base::{Clock, Masker, RunId, Timeline};
use crate::client::{Credentials, Settings, Timeouts};
use crate::judge::{self, Judgement, Requirements, Verdict};
use crate::mock::Fault;
use crate::plan::{Applicability, Case, TargetFacts, applicability};
use crate::requirement::{Capability, Catalogue};
use crate::scenario::Scenario;
use crate::target::{
    EmbeddedPolicy, EmbeddedPool, HURRY, Permission, ProvisionError, Provisioner, Provisioning, Running,
    TlsMode,
};
use crate::trace::{Capture, Event, EventKind, Recorder};

/// How many times the deadline for the next bytes a whole transfer may take.
const WHOLE_TRANSFER: u32 = 30;

/// What a case left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The judge's word.
    pub judgement: Judgement,
    /// Everything that was observed; empty when nothing was run.
    pub events: Vec<Event>,
    /// The run was stopped before the case was through: its judgement is worth nothing.
    pub stopped: bool,
    /// How long it took.
    pub took: Duration,
    /// The raw bytes, when they are to be kept.
    pub capture: Option<CaseCapture>,
}

impl Ran {
    /// A case that was not run, with the reason.
    #[must_use]
    pub fn not_run(verdict: Verdict, reason: String) -> Self {
        let judgement = Judgement {
            verdict,
            findings: Vec::new(),
            held: Vec::new(),
            reason: Some(reason),
        };
        Self {
            judgement,
            events: Vec::new(),
            stopped: false,
            took: Duration::ZERO,
            capture: None,
        }
    }
}

/// Everything that cases of a run have in common. Cheap to clone.
#[derive(Clone)]
pub struct CaseRunner {
    requirements: Arc<Requirements>,
    provisioner: Provisioner,
    pool: EmbeddedPool,
    clock: Arc<dyn Clock>,
    run: RunId,
    capture: CaptureSettings,
    /// Cases started so far.
    started: Arc<AtomicU32>,
    /// The longest wait for anything, when there is one.
    longest_wait: Option<Duration>,
}

impl CaseRunner {
    /// A runner for cases of run `run`.
    #[must_use]
    pub fn new(catalogue: &Catalogue, provisioner: Provisioner, clock: Arc<dyn Clock>, run: RunId) -> Self {
        let requirements = Arc::new(catalogue.grades());
        let pool = EmbeddedPool::new(provisioner.clone());
        Self {
            requirements,
            provisioner,
            pool,
            clock,
            run,
            capture: CaptureSettings {
                which: CaptureChoice::None,
                with_passwords: false,
            },
            started: Arc::default(),
            longest_wait: None,
        }
    }

    /// The same runner, which waits for nothing longer than `longest`; embedded servers give up earlier, too.
    #[must_use]
    pub fn hurried(mut self, longest: Duration) -> Self {
        self.longest_wait = Some(longest);
        self
    }

    /// Stops the embedded servers that have `fault`; the runs against them are over.
    pub async fn release(&self, fault: Fault) {
        self.pool.release(fault).await;
    }

    /// With raw bytes captured as `settings` say.
    #[must_use]
    pub fn capturing(self, settings: CaptureSettings) -> Self {
        Self {
            capture: settings,
            ..self
        }
    }

    /// Starts and stops targets.
    #[must_use]
    pub fn provisioner(&self) -> &Provisioner {
        &self.provisioner
    }

    /// The clock of the run.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The grades the judge works with.
    #[must_use]
    pub fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// The policy of the embedded server that has everything `scenario` requires.
    #[must_use]
    pub fn embedded_policy(scenario: &Scenario) -> EmbeddedPolicy {
        let requires: BTreeSet<Capability> = scenario
            .requires
            .iter()
            .map(|capability| capability.value)
            .collect();
        let policy = EmbeddedPolicy::for_capabilities(&requires);
        if scenario.slow {
            policy.with_short_timeouts()
        } else {
            policy
        }
    }

    /// An embedded server with `policy`, kept until the runner is dropped.
    ///
    /// # Errors
    /// When the server cannot be started; local trouble.
    pub async fn provide_embedded(&self, policy: &EmbeddedPolicy) -> Result<Running, ProvisionError> {
        self.pool.provide(policy).await
    }

    /// Runs `case` against an embedded server with `policy`.
    ///
    /// # Errors
    /// When the server cannot be started; local trouble.
    pub async fn run_embedded(&self, case: &Case, policy: &EmbeddedPolicy) -> Result<Ran, ProvisionError> {
        self.run_embedded_until(case, policy, &CancellationToken::new())
            .await
    }

    /// Runs `case` against an embedded server with `policy`, unless `stop` is cancelled before it is through.
    ///
    /// # Errors
    /// When the server cannot be started; local trouble.
    pub async fn run_embedded_until(
        &self,
        case: &Case,
        policy: &EmbeddedPolicy,
        stop: &CancellationToken,
    ) -> Result<Ran, ProvisionError> {
        let running = match self.longest_wait {
            Some(longest) => self.pool.provide(&policy.clone().hurried(longest)).await?,
            None => self.pool.provide(policy).await?,
        };
        let facts = TargetFacts::declared(&policy.capabilities());
        Ok(self.run_case_until(case, &running, &facts, stop).await)
    }

    /// Runs `case` against `running`, when it applies there.
    pub async fn run_case(&self, case: &Case, running: &Running, facts: &TargetFacts) -> Ran {
        self.run_case_until(case, running, facts, &CancellationToken::new())
            .await
    }

    /// Runs `case` against `running`, when it applies there. When `stop` is cancelled, it goes on with its clean-up, for a
    /// short time, and [`Ran::stopped`] is set.
    pub async fn run_case_until(
        &self,
        case: &Case,
        running: &Running,
        facts: &TargetFacts,
        stop: &CancellationToken,
    ) -> Ran {
        let forbidden = not_allowed(&case.scenario, running);
        if let Applicability::NotApplicable { capability, reason } =
            applicability(&case.scenario, &case.id.cell, facts)
        {
            // What nobody was allowed to find out is missing for that reason.
            let is_unknown = !facts.capabilities.contains_key(&capability);
            let reason = forbidden.filter(|_| is_unknown).unwrap_or(reason);
            return Ran::not_run(Verdict::NotApplicable, reason);
        }
        if let Some(reason) = forbidden {
            return Ran::not_run(Verdict::NotApplicable, reason);
        }
        // Asking a server that is gone takes a time-out each; in a container there is not even a refusal.
        if let Some((code, log)) = running.ended().await {
            return Ran::not_run(Verdict::Inconclusive, gone(code, &log));
        }
        let timeline = Timeline::start(Arc::clone(&self.clock));
        let masker = Masker::new(running.accounts.iter().map(|account| account.password.clone()));
        let mut recorder = Recorder::new(timeline.clone(), masker);
        let mut settings = self.settings(case, running);
        let started = self.clock.wall();
        let capture =
            (self.capture.which != CaptureChoice::None).then(|| Capture::new(self.capture.with_passwords));
        if let Some(capture) = &capture {
            recorder = recorder.with_capture(capture.clone());
            let keys = capture.clone();
            settings.key_log = Some(Arc::new(move |line| keys.key(line)));
        }
        let context = CaseContext {
            settings,
            variables: self.variables(case, running),
            recorder,
            hurry: hurry(case, running),
            deadline: None,
            longest_wait: self.longest_wait,
            stop: stop.clone(),
        };
        let requirements = Arc::clone(&self.requirements);
        let go_on = |events: &[Event], step| judge::judge_step(case, &requirements, events, step).next;
        let Executed { events, stopped } = execute(case, context, &go_on).await;
        let mut judgement = judge::judge_case(case, &self.requirements, &events);
        let ended = if is_control_ended(&events) {
            running.ended_with_a_connection().await
        } else {
            running.ended().await
        };
        if let Some((code, log)) = ended {
            // Whatever was seen, a server that is gone is the better explanation: nothing is said about it.
            judgement = Judgement {
                verdict: Verdict::Inconclusive,
                reason: Some(gone(code, &log)),
                ..judgement
            };
        }
        Ran {
            capture: capture
                .filter(|_| self.capture.keeps(&judgement))
                .map(|capture| CaseCapture {
                    captured: capture.take(),
                    started,
                }),
            judgement,
            events,
            stopped,
            took: timeline.elapsed(),
        }
    }

    fn settings(&self, case: &Case, running: &Running) -> Settings {
        let times = &running.profile.timeouts;
        let accounts = running.accounts.iter().map(|account| Credentials {
            user: account.user.clone(),
            password: account.password.clone(),
            account: None,
        });
        let mut settings = Settings::new(running.address);
        settings.implicit = running.profile.tls == TlsMode::Implicit;
        settings.server_name.clone_from(&running.profile.server_name);
        settings.accounts = accounts.collect();
        settings.trust = running.trust.clone();
        settings.identity.clone_from(&running.identity);
        settings.content_seed = u64::from(stable_hash(&case.id.scenario));
        let provisioner = self.provisioner.clone();
        settings.identities = Some(Arc::new(move |recipe| provisioner.certificate(recipe)));
        settings.follow_foreign_pasv = running.profile.allow.contains(&Permission::ForeignPasv);
        settings.allow_clear_password = running.profile.allow.contains(&Permission::ClearPassword);
        let longest = self.longest_wait.unwrap_or(Duration::MAX);
        settings.other_sources = running.other_source.into_iter().collect();
        settings.timeouts = Timeouts {
            connect: times.connect.min(longest),
            greeting: times.greeting.min(longest),
            reply: times.reply.min(longest),
            handshake: times.handshake.min(longest),
            data: times.data.min(longest),
            transfer: times.data.min(longest) * WHOLE_TRANSFER,
            close: times.close.min(longest),
            before_tls: times.before_tls.min(longest),
        };
        settings
    }

    /// The variables every scenario may use.
    fn variables(&self, case: &Case, running: &Running) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
        // One id per case and repetition, so that none meets the paths of another.
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        set(
            "run.id",
            format!(
                "{}-{:05x}{number}",
                self.run,
                stable_hash(&case.id.to_string()) & 0xf_ffff
            ),
        );
        set("target.host", running.address.ip().to_string());
        set("target.port", running.address.port().to_string());
        set("server.name", running.profile.server_name.clone());
        if let Some(host) = &running.profile.second_host {
            set("host2", host.clone());
        }
        for (index, account) in running.accounts.iter().enumerate().take(2) {
            let suffix = if index == 0 { "" } else { "2" };
            set(&format!("user{suffix}"), account.user.clone());
            set(&format!("password{suffix}"), account.password.reveal().to_owned());
        }
        let own = own_address(running.address);
        set("own.address", own.to_string());
        set("own.address-for-port", own.to_string().replace('.', ","));
        if let Some(other) = running.other_source {
            set("other.address", other.to_string());
        }
        variables
    }
}

/// Our own address as the target sees it; its own when there is no way to it, which the case will find out.
fn own_address(target: SocketAddr) -> IpAddr {
    let unspecified: IpAddr = match target {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Nothing is sent: only a way is looked up.
    let socket = UdpSocket::bind((unspecified, 0)).and_then(|socket| {
        socket.connect(target)?;
        socket.local_addr()
    });
    socket.map_or(target.ip(), |own| own.ip())
}

/// Whether the target ended a control connection.
fn is_control_ended(events: &[Event]) -> bool {
    events.iter().any(|event| {
        matches!(event.kind, EventKind::FinReceived | EventKind::ResetReceived)
            && event.channel.as_ref().is_some_and(|channel| !channel.is_data())
    })
}

/// What is said of a server that has ended by itself.
pub(super) fn gone(code: i32, log: &str) -> String {
    let last = log.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.map_or_else(String::new, |line| {
        format!("; the last line of its log is `{}`", line.trim())
    });
    format!("the server is gone: it ended by itself with exit code {code}{last}")
}

/// By how much the waits of `case` are cut: slow scenarios meet short time-outs on the embedded server.
fn hurry(case: &Case, running: &Running) -> u32 {
    if case.scenario.slow && running.profile.provisioning == Provisioning::Embedded {
        HURRY
    } else {
        1
    }
}

/// Why the profile does not allow `scenario`, when it does not.
fn not_allowed(scenario: &Scenario, running: &Running) -> Option<String> {
    let allow = &running.profile.allow;
    let is_here = running.address.ip().to_canonical().is_loopback();
    let asked = scenario.requires.iter().map(|capability| capability.value);
    asked.chain(scenario.capability).find_map(|capability| {
        let (permission, word) = match capability {
            Capability::Upload
            | Capability::Append
            | Capability::Rename
            | Capability::Stou
            | Capability::Quota => (Permission::Write, "write"),
            Capability::SecondAccount => (Permission::SecondAccount, "second-account"),
            Capability::BounceToHarness => (Permission::BounceToHarness, "bounce-to-harness"),
            Capability::ClearLogin if !is_here => (Permission::ClearPassword, "clear-password"),
            _ => return None,
        };
        (!allow.contains(&permission)).then(|| {
            format!(
                "requires {capability}, which needs the permission `{word}` (profile `allow`, or --allow {word})"
            )
        })
    })
}

/// FNV-1a: the same on every machine and in every version.
pub(super) fn stable_hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
