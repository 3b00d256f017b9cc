//! Collects events while a case runs. Cheap to clone; every connection holds one.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::capture::Capture;
use super::channel::Channel;
use super::event::{Event, EventKind};
use crate::base::{Masker, Timeline};

/// How many events one case may record; what comes behind is counted, not kept.
const EVENT_LIMIT: usize = 200_000;

/// Appends events with their offset. Clones share the list.
#[derive(Clone, Debug)]
pub struct Recorder {
    timeline: Timeline,
    masker: Masker,
    events: Arc<Mutex<Vec<Event>>>,
    capture: Option<Capture>,
}

impl Recorder {
    /// An empty recorder on `timeline` that masks with `masker`.
    #[must_use]
    pub fn new(timeline: Timeline, masker: Masker) -> Self {
        Self {
            timeline,
            masker,
            events: Arc::default(),
            capture: None,
        }
    }

    /// With the raw bytes of its connections collected in `capture`.
    #[must_use]
    pub fn with_capture(self, capture: Capture) -> Self {
        Self {
            capture: Some(capture),
            ..self
        }
    }

    /// Where raw bytes are collected, when they are.
    #[must_use]
    pub fn capture(&self) -> Option<&Capture> {
        self.capture.as_ref()
    }

    /// What masks the secrets of this case.
    #[must_use]
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Offset from the start of the case, now, as precise as events are.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        whole_microseconds(self.timeline.elapsed())
    }

    /// Records `kind` on `channel`, now. Consecutive data of the same channel and direction is joined.
    pub fn record(&self, channel: &Channel, kind: EventKind) {
        self.push(Some(channel.clone()), kind);
    }

    /// Records an event of the case itself, now.
    pub fn record_case(&self, kind: EventKind) {
        self.push(None, kind);
    }

    /// `text` with the secrets of this case masked.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        self.masker.mask(text)
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing was recorded yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of the events from position `from` on.
    #[must_use]
    pub fn events_from(&self, from: usize) -> Vec<Event> {
        self.lock().get(from..).unwrap_or_default().to_vec()
    }

    /// A copy of all events.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events_from(0)
    }

    fn push(&self, channel: Option<Channel>, kind: EventKind) {
        let at = self.elapsed();
        let mut events = self.lock();
        if let Some(last) = events.last_mut()
            && last.channel == channel
            && join(&mut last.kind, &kind)
        {
            return;
        }
        if events.len() < EVENT_LIMIT {
            events.push(Event { at, channel, kind });
        } else if events.len() == EVENT_LIMIT {
            let reason = format!("more than {EVENT_LIMIT} events in one case");
            events.push(Event {
                at,
                channel: None,
                kind: EventKind::HarnessFailed { reason },
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        // A panicking holder cannot leave the list half written: every change is one push.
        self.events
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// As precise as a trace on disk is, so that a case judged again has the same findings to the last digit.
fn whole_microseconds(at: Duration) -> Duration {
    Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(u64::MAX))
}

/// Adds `next` to `last` when both are the same kind of data; false when they are not.
fn join(last: &mut EventKind, next: &EventKind) -> bool {
    match (last, next) {
        (
            EventKind::DataReceived { bytes, protected },
            EventKind::DataReceived {
                bytes: more,
                protected: same,
            },
        )
        | (
            EventKind::DataSent { bytes, protected },
            EventKind::DataSent {
                bytes: more,
                protected: same,
            },
        ) if protected == same => {
            *bytes += more;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemClock;

    #[test]
    fn times_are_as_precise_as_on_disk() {
        let exact = Duration::from_nanos(1_234_567_891);
        assert_eq!(whole_microseconds(exact), Duration::from_nanos(1_234_567_000));
    }

    #[test]
    fn consecutive_data_is_joined() {
        let recorder = Recorder::new(Timeline::start(Arc::new(SystemClock::new())), Masker::default());
        let data = Channel::data("main", 1);
        recorder.record(
            &data,
            EventKind::DataReceived {
                bytes: 5,
                protected: true,
            },
        );
        recorder.record(
            &data,
            EventKind::DataReceived {
                bytes: 6,
                protected: true,
            },
        );
        recorder.record(
            &data,
            EventKind::DataReceived {
                bytes: 1,
                protected: false,
            },
        );
        recorder.record(&data, EventKind::CloseNotifyReceived);
        let kinds: Vec<EventKind> = recorder.events().into_iter().map(|event| event.kind).collect();
        assert_eq!(
            kinds,
            [
                EventKind::DataReceived {
                    bytes: 11,
                    protected: true
                },
                EventKind::DataReceived {
                    bytes: 1,
                    protected: false
                },
                EventKind::CloseNotifyReceived,
            ]
        );
    }
}
