//! What the trials of one process share: the runtime, the runner, and the targets that were started.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::plan::{self, Case, TargetFacts};
use crate::requirement::Catalogue;
use crate::runner::{CaseRunner, Corpus, Discovered, Ran, discover};
use crate::scenario::Scenario;
use crate::target::{self, Profile, Provisioning, Running};

/// Shared by all trials of the process.
pub(super) struct Shared {
    pub(super) runtime: Runtime,
    pub(super) runner: CaseRunner,
    pub(super) catalogue: Arc<Catalogue>,
    discover: Vec<Arc<Scenario>>,
    targets: Mutex<BTreeMap<String, Arc<Started>>>,
    /// Why a software is not there; by its name.
    missing: Mutex<BTreeMap<String, Option<String>>>,
}

/// A target that was started, or why it was not.
struct Started {
    running: Result<Arc<Running>, String>,
    permits: Arc<Semaphore>,
    /// How many permits there are.
    limit: u32,
    found: Mutex<BTreeMap<crate::requirement::Capability, Discovered>>,
}

impl Shared {
    pub(super) fn new(runtime: Runtime, runner: CaseRunner, corpus: &Corpus) -> Self {
        Self {
            runtime,
            runner,
            catalogue: Arc::clone(&corpus.catalogue),
            discover: corpus.discover.clone(),
            targets: Mutex::default(),
            missing: Mutex::default(),
        }
    }

    /// Runs a case against a target, which is started when it is not running yet.
    pub(super) async fn run(&self, profile: &Profile, case: &Case) -> Result<Ran, String> {
        let started = self.started(profile).await;
        let running = started.running.clone()?;
        // Cases open two control connections at most; a target is not loaded beyond what it bears.
        let permits = if case.scenario.alone { started.limit } else { 2 };
        let _permits = started.permits.acquire_many(permits).await;
        let facts = self.facts(&started, &running, case).await;
        Ok(self.runner.run_case(case, &running, &facts).await)
    }

    /// Why a target of this machine cannot be started; nothing when it can, or is not of this machine.
    pub(super) async fn missing(&self, profile: &Profile) -> Option<String> {
        if profile.provisioning != Provisioning::Process {
            return None;
        }
        let mut missing = self.missing.lock().await;
        if let Some(known) = missing.get(&profile.software) {
            return known.clone();
        }
        let answer = match self.runner.provisioner().script(profile) {
            Ok(script) => target::installed(&script).await.err(),
            Err(error) => Some(error.detail),
        };
        missing.insert(profile.software.clone(), answer.clone());
        answer
    }

    async fn started(&self, profile: &Profile) -> Arc<Started> {
        let mut targets = self.targets.lock().await;
        if let Some(started) = targets.get(&profile.name) {
            return Arc::clone(started);
        }
        let running = self.runner.provisioner().provide(profile).await;
        let limit = profile.limits.max_connections.max(2);
        let started = Arc::new(Started {
            running: running.map(Arc::new).map_err(|error| error.detail),
            permits: Arc::new(Semaphore::new(limit)),
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            found: Mutex::default(),
        });
        targets.insert(profile.name.clone(), Arc::clone(&started));
        started
    }

    /// What is declared, and what had to be found out for this case.
    async fn facts(&self, started: &Started, running: &Arc<Running>, case: &Case) -> TargetFacts {
        let mut facts = TargetFacts::declared(&running.profile.declares);
        let mut found = started.found.lock().await;
        for capability in plan::capabilities_needed(&case.scenario, &case.id.cell) {
            if running.profile.declares.contains_key(&capability) {
                continue;
            }
            if let Entry::Vacant(place) = found.entry(capability) {
                let wanted: Vec<Arc<Scenario>> = self
                    .discover
                    .iter()
                    .filter(|scenario| scenario.capability == Some(capability))
                    .cloned()
                    .collect();
                let one = Arc::new(Semaphore::new(1));
                let never = CancellationToken::new();
                place.insert(discover(&self.runner, running, &wanted, 1, &one, &never).await);
            }
            if let Some(fact) = found
                .get(&capability)
                .and_then(|seen| seen.facts.capabilities.get(&capability))
            {
                facts.capabilities.insert(capability, fact.clone());
            }
        }
        facts
    }

    /// Stops every target that was started.
    pub(super) fn stop(&self) {
        self.runtime.block_on(async {
            let targets = std::mem::take(&mut *self.targets.lock().await);
            for started in targets.into_values().filter_map(Arc::into_inner) {
                if let Ok(Some(running)) = started.running.map(Arc::into_inner) {
                    running.stop().await;
                }
            }
        });
    }
}
